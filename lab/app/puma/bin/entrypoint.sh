#!/bin/bash
# Starts the server, or whatever else it is told to run.
cd /app || exit
[ $# = 0 ] || exec "$@"
exec puma --config puma.rb config.ru
