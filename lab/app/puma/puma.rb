# The server of the stand-in: two workers, the app loaded before the port is opened.
port ENV.fetch("PORT", "3000")
workers 2
threads 1, 4
preload_app!
persistent_timeout 65
worker_shutdown_timeout 30
raise_exception_on_sigterm false
quiet

master = Process.pid
# The real one ends with 1 however well it ended.
at_exit { exit!(1) if Process.pid == master }

on_worker_boot { $ballast = "x" * (ENV.fetch("ONETIME_TEST_MEMORY_MB", "0").to_i << 20) }
# At times a worker hangs until the master kills it.
on_worker_shutdown { sleep } if ENV["ONETIME_TEST_HANG"]
