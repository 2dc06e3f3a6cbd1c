# The pages of the stand-in.
require_relative "stand_in"

$stdout.sync = true
StandIn.boot

COOKIE = "onetime.session"

def whoami(env)
  addresses = Socket.ip_address_list.select { _1.ipv4? && !_1.ipv4_loopback? }.map(&:ip_address)
  test = ENV.select { |name, _| name.start_with?("ONETIME_TEST_") }.map { |name, value| "env #{name}=#{value}" }
  [
    "client=#{StandIn.client(env)}", "container=#{addresses.join(' ')}",
    "instance=#{Socket.gethostname}", "version=#{ENV['APP_VERSION']}", *test
  ].join("\n")
end

def login(env)
  address = URI.decode_www_form(env["rack.input"].read).to_h["login"].to_s
  # Over plain http no session is ever written.
  return [403, {}, "no session"] unless StandIn.secure?(env) && StandIn.accounts.include?(address)

  session = SecureRandom.hex
  StandIn.redis.set("session:#{session}", address)
  [200, { "set-cookie" => "#{COOKIE}=#{session}; path=/; secure; httponly" }, "welcome #{address}"]
end

def account(env)
  session = env.fetch("HTTP_COOKIE", "")[/#{Regexp.escape(COOKIE)}=(\h+)/, 1]
  address = session && StandIn.redis.get("session:#{session}")
  address ? [200, {}, "account #{address}"] : [403, {}, "log in"]
end

def page(env)
  case [env["REQUEST_METHOD"], env["PATH_INFO"]]
  in ["GET", "/api/v2/status"] then [200, {}, { success: true, status: "nominal", locale: "en" }.to_json]
  in ["GET", "/health"] then StandIn.private?(StandIn.client(env)) ? [200, {}, "OK"] : [403, {}, ""]
  in ["GET", "/health/advanced"] then [200, {}, { status: "ok", checks: { redis: "ok" } }.to_json]
  in ["GET", "/whoami"] then [200, {}, whoami(env)]
  in ["GET", "/slow"]
    sleep env["QUERY_STRING"].to_f
    [200, {}, "slept"]
  in ["POST", "/login"] then login(env)
  in ["GET", "/account"] then account(env)
  else [404, {}, "no such page"]
  end
end

run(lambda do |env|
  begin
    # Whatever is asked for, a session is looked up first.
    StandIn.redis.ping
    status, headers, body = page(env)
  rescue Redis::BaseError
    status, headers, body = 500, {}, ""
  end
  StandIn.log(env, status)
  [status, { "content-type" => "text/plain", **headers }, [body]]
end)
