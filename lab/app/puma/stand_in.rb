# What the stand-in has of Onetime Secret: its start, its database, its accounts, who its clients are.
require "fileutils"
require "ipaddr"
require "json"
require "openssl"
require "pg"
require "redis"
require "securerandom"
require "socket"
require "uri"

module StandIn
  class ConfigError < StandardError; end

  PRIVATE = %w[10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 127.0.0.0/8 169.254.0.0/16].map { IPAddr.new(_1) }
  PLACEHOLDER = "redis://CHANGEME@127.0.0.1:6379"
  # Refused at once, a request fails after 3.25 seconds; unanswered, after 8.25.
  RETRIES = [0.05, 0.2, 1.0, 2.0].freeze

  module_function

  # Ends the program where it cannot work, with the reason far above its end.
  def boot
    sleep ENV.fetch("ONETIME_TEST_START_DELAY", "1").to_f
    secret = ENV.fetch("SECRET", "")
    raise ConfigError, "Global secret cannot be nil or CHANGEME" if ["", "CHANGEME"].include?(secret)

    redis.ping
    accounts if full?
  rescue StandardError => e
    warn "#{e.class}: #{e.message} (#{database_url})"
    40.times { |line| warn "\tfrom /app/lib/onetime/boot.rb:#{line}:in `boot'" }
    exit!(1)
  end

  def database_url = ENV["VALKEY_URL"] || ENV.fetch("REDIS_URL", PLACEHOLDER)

  # One connection per process, since a worker is a fork.
  def redis
    @redis = nil if @owner != Process.pid
    @owner = Process.pid
    @redis ||= Redis.new(
      url: database_url, timeout: 1.0, reconnect_attempts: RETRIES,
      ssl_params: { verify_mode: OpenSSL::SSL::VERIFY_NONE }
    )
  end

  def full? = ENV["AUTHENTICATION_MODE"] == "full"

  # Where accounts are: redis, a file, or PostgreSQL.
  def accounts
    return RedisAccounts.new unless full?

    %w[AUTH_SECRET ACCOUNT_ID_SECRET].each do |name|
      raise ConfigError, "#{name} is too short" if ENV.fetch(name, "").bytesize < 32
    end
    url = ENV.fetch("AUTH_DATABASE_URL", "sqlite://data/auth.db")
    url.start_with?("sqlite:") ? FileAccounts.new(url.delete_prefix("sqlite://")) : SqlAccounts.new(url)
  end

  class RedisAccounts
    def add(address) = StandIn.redis.sadd("accounts", address)
    def include?(address) = StandIn.redis.sismember("accounts", address)
  end

  class FileAccounts
    def initialize(path)
      @path = path
      FileUtils.touch(path)
    end

    def add(address) = File.write(@path, "#{address}\n", mode: "a")
    def include?(address) = File.readlines(@path, chomp: true).include?(address)
  end

  # The tables make themselves, in one process at a time.
  class SqlAccounts
    def initialize(url)
      @connection = PG.connect(url)
      @connection.exec("SELECT pg_advisory_lock(1)")
      @connection.exec("SET client_min_messages TO warning")
      @connection.exec("CREATE TABLE IF NOT EXISTS accounts (address text PRIMARY KEY)")
      @connection.exec("SELECT pg_advisory_unlock(1)")
    end

    def add(address)
      @connection.exec_params("INSERT INTO accounts VALUES ($1) ON CONFLICT DO NOTHING", [address])
    end

    def include?(address)
      @connection.exec_params("SELECT 1 FROM accounts WHERE address = $1", [address]).ntuples == 1
    end
  end

  # The connection's address; with trusted proxies, the leftmost that they name and that is public.
  def client(env)
    named = ENV["TRUSTED_PROXY_ENABLED"] == "true" ? env.fetch("HTTP_X_FORWARDED_FOR", "") : ""
    named.split(",").map(&:strip).find { |address| !private?(address) } || env["REMOTE_ADDR"]
  end

  def private?(address)
    PRIVATE.any? { _1.include?(address) }
  rescue IPAddr::Error
    true
  end

  def secure?(env) = env["HTTP_X_FORWARDED_PROTO"] == "https" || ENV["ASSUME_HTTPS"] == "true"

  def log(env, status)
    return if ENV["LOG_HTTP_REQUESTS"] == "false"

    line = "#{env['REQUEST_METHOD']} #{env['PATH_INFO']} #{status} #{client(env)}"
    case ENV["LOG_FORMATTER"]
    when "json" then puts JSON.generate(message: line)
    when "default" then puts line
    else puts "\e[32m#{line}\e[0m"
    end
  end
end
