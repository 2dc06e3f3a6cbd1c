# Asks the paths of instances, as a client on the host, as one beyond it, and from inside containers.
# Needs nothing but bash of the host and nothing at all of the image. Sent with each question.
# Data: of the names, RUN, PATH_TIMEOUT and CLIENT_*.
# shellcheck shell=sh

# Runs a command within the time limit; says `timeout` where that is over.
within_limit() {
  timeout "$PATH_TIMEOUT" "$@" 2>&1 || [ $? -ne 124 ] || echo timeout
}

# Prints the first line of an HTTP answer. $1: address, $2: port, $3: path; $4…: how to get there.
page() {
  address=$1 port=$2 path=$3
  shift 3
  # shellcheck disable=SC2016 # bash's own variables
  within_limit "$@" bash -c '
    exec 3<>"/dev/tcp/$0/$1" || exit
    printf "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n" "$2" "$0" >&3
    IFS= read -r line <&3 && echo "$line"' "$address" "$port" "$path"
}

# A client that is not the host: a network namespace of its own, joined by a pair of interfaces. What
# it sends passes the host's firewall like a neighbour's packets. It lives no longer than a minute,
# and its interfaces go with it.
make_client() {
  mkdir -p "$RUN"
  chmod 700 "$RUN"
  exec 8>"$CLIENT_LOCK"
  flock 8
  ip link delete "$CLIENT_INTERFACE" 2>/dev/null
  unshare --net sleep 60 </dev/null >/dev/null 2>&1 8>&- &
  client=$!
  trap 'kill "$client" 2>/dev/null' EXIT
  own=$(readlink "/proc/$$/ns/net")
  until there=$(readlink "/proc/$client/ns/net") && [ "$there" != "$own" ]; do
    [ -e "/proc/$client" ] || return
    sleep 0.02
  done
  ip link add "$CLIENT_INTERFACE" type veth peer name "$CLIENT_PEER" netns "$client"
  echo 1 >"/proc/sys/net/ipv6/conf/$CLIENT_INTERFACE/disable_ipv6"
  ip address add "$CLIENT_GATEWAY/30" dev "$CLIENT_INTERFACE"
  ip link set "$CLIENT_INTERFACE" up
  nsenter --target "$client" --net sh -c "
    ip link set lo up
    ip address add $CLIENT_ADDRESS/30 dev $CLIENT_PEER
    ip link set $CLIENT_PEER up
    ip route add default via $CLIENT_GATEWAY"
} >/dev/null 2>&1

# Prints the first line of an HTTP answer to the client beyond the host.
page_beyond() {
  page "$@" nsenter --target "$client" --net
}

# Runs bash in the network namespace of a container, with its hosts and resolv.conf over the host's
# own in a mount namespace that ends with it. $1: container, $2: what to run, $3…: its arguments.
inside() {
  seen=$(podman inspect --format '{{.State.Pid}} {{.HostsPath}} {{.ResolvConfPath}}' "$1" 2>&1) ||
    { echo "$seen"; return 0; }
  what=$2
  shift 2
  # shellcheck disable=SC2016 # bash's own variables
  nsenter --target "${seen%% *}" --net unshare --mount bash -c '
    read -r _ hosts resolv <<<"$0"
    [ ! -e "$hosts" ] || mount --bind "$hosts" /etc/hosts
    [ ! -e "$resolv" ] || [ ! -e /etc/resolv.conf ] || mount --bind "$resolv" /etc/resolv.conf
    timeout '"$PATH_TIMEOUT"' bash -c "$@" 2>&1 || [ $? -ne 124 ] || echo timeout' \
    "$seen" "$what" "$@" 2>&1 | tr -cd '[:print:]\n'
}

# Prints what a service answers to the container, in whose name it is greeted. Whatever comes back, an
# error or a TLS alert included, comes from there. $1: container, $2: protocol, $3: host, $4: port.
greeting() {
  # shellcheck disable=SC2016 # bash's own variables
  inside "$1" '
    exec 3<>"/dev/tcp/$1/$2" || exit
    case $0 in
    redis)
      printf "PING\r\n" >&3
      IFS= read -r line <&3
      case $line in [+-]*) echo "$line" ;; *) echo "answered: $line" ;; esac
      exit ;;
    tcp) echo connected; exit ;;
    # Asks whether it speaks TLS, which every version answers, before anybody logs in.
    postgresql) printf "\0\0\0\10\4\322\26\57" >&3 ;;
    amqp) printf "AMQP\0\0\11\1" >&3 ;;
    # A hello of TLS 1.2: six ciphers, two curves, six signatures.
    tls) printf "%b%032d%b" "\x16\3\1\0\x5b\1\0\0\x57\3\3" 0 "\0\0\x0c\xc0\x2f\xc0\x30\xc0\x2b\
\xc0\x2c\0\x9c\0\x2f\1\0\0\x22\0\x0a\0\6\0\4\0\x1d\0\x17\0\x0b\0\2\1\0\0\x0d\0\x0e\0\x0c\
\4\3\x8\4\4\1\5\3\x8\5\5\1" >&3 ;;
    esac
    [ -n "$(head -c 1 <&3 2>/dev/null | tr "\0" .)" ] && echo answered || echo closed' "$2" "$3" "$4"
}

# Tries the container's way out, to the client beyond the host, where nothing listens: `refused` is
# the answer of one that was reached.
way_out() {
  # shellcheck disable=SC2016 # bash's own variables
  inside "$1" 'exec 3<>"/dev/tcp/$0/9"' "$CLIENT_ADDRESS"
}

# Asks the bridge's name server, if the container uses it, for a name that it knows itself; prints
# `answered` for any answer. $1: container, $2: the name server, $3: the name.
name_server() {
  # shellcheck disable=SC2016 # bash's own variables
  inside "$1" '
    grep -qx "nameserver $0" /etc/resolv.conf || { echo unused; exit; }
    length=$(printf "\\\\x%02x" ${#1})
    for _ in 1 2 3; do
      exec 3<>"/dev/udp/$0/53" || exit
      printf "\x13\x37\x01\0\0\1\0\0\0\0\0\0$length%s\0\0\1\0\1" "$1" >&3
      [ -z "$(timeout 2 head -c 2 <&3 | tr "\0" .)" ] || { echo answered; exit; }
    done
    echo timeout' "$2" "$3"
}
