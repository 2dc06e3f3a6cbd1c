"""The lab's hosts run a small web service that is healthy while it reaches the database."""

from lab.app import image as _app

image = "localhost/onetime-lab:1"
image_archive = str(_app.archive("1"))
health_command = "wget -q -O /dev/null http://127.0.0.1:<port><health_path>"
