"""What is true of every host of staging. What is not here comes from the checkout's group_data."""

# pyinfra logs in as this user, who may use sudo without a password.
ssh_user = "deploy"
_sudo = True
# A host whose key is not in known_hosts is refused. pyinfra's own default would add it.
ssh_strict_host_key_checking = "yes"

# Staging tries the next version first. To move production, copy the line.
image = "ghcr.io/onetimesecret/onetimesecret:v0.26.6"

# Given, since this host cannot resolve `maindb` by itself: the containers get name and address.
db_address = "10.10.0.10"

# This host has two private cards, and neither subnet holds the database: say which card it is.
network_interface = "eth1"

# The proxy comes by the private network.
publish_address = "private"

environment = {
    "HOST": "secrets.staging.example",
    "SSL": "true",
    # The proxy in front says who its clients are: docs/load-balancer.md.
    "TRUSTED_PROXY_ENABLED": "true",
    "REDIS_URL": "redis://maindb:6379/0",
}

# From the environment of whoever runs pyinfra: ONETIME_STAGING_SECRET=… pyinfra inventories/…
secrets = {"SECRET": "env:ONETIME_STAGING_SECRET"}
