# Reads `nft -a --terse list ruleset` and prints what concerns the deploy, a line each:
#   barrier HOOK FAMILY TABLE CHAIN PLACE   a base chain that ends by dropping or rejecting what no
#                                           rule of it has accepted: an accept goes before the rule
#                                           with the handle PLACE, or to the `end`
#   unseen HOOK FAMILY TABLE CHAIN          a base chain that may drop what comes in from outside
#                                           before the host can tell
#   rule FAMILY TABLE CHAIN DIGEST HANDLE   a rule whose comment is the deploy's, with the digest in
#                                           it; 0 where no packet comes to it any more, or where the
#                                           mark alone tells that it is the deploy's
#   translated LOW HIGH ADDRESS             TCP ports that a rule of somebody else's translates, neither
#                                           Podman's nor the deploy's, to an address, a subnet or
#                                           `any` of the host
# comment: the first word of the deploy's comments; mark: what it has packets marked with

$1 == "table" { place = $2 " " $3; family = $2; chain = "" }
$1 == "chain" { chain = place " " $2 }
# Sets and other objects have lines of their own, which are no rules.
$1 !~ /^(table|chain)$/ && /\{ # handle [0-9]+$/ { chain = "" }

# A base chain. Firewalld rebuilds its own, and is told what to let through: see trusted.sh.
$1 == "type" && / hook / && place !~ /^inet firewalld/ {
  for (i = 1; i < NF; i++) if ($i == "hook") hook = $(i + 1)
  if ($2 == "filter" && family ~ /^(ip|inet|netdev)$/) { hooks[chain] = hook; bases[++count] = chain }
  policies[chain] = /policy drop/ ? "drop" : "accept"
}

chain != "" && $1 != "chain" && $1 != "type" && match($0, / # handle [0-9]+$/) {
  handle = substr($0, RSTART + 10)
  rule = substr($0, 1, RSTART - 1)
  number++
  if (match(rule, "comment \"" comment " [0-9a-f]+\"")) {
    split(substr(rule, RSTART, RLENGTH), words, /[" ]+/)
    ours[++own] = chain
    digests[own] = words[3]; handles[own] = handle; numbers[own] = number
  } else if (rule ~ ("meta mark & " mark " == " mark " .*accept$")) {
    # Saved and restored by iptables, in whose comments nft does not read.
    ours[++own] = chain
    digests[own] = 0; handles[own] = handle; numbers[own] = number
  }
  gsub(/"[^"]*"/, "\"\"", rule)
  if (rule ~ /(drop|reject|xt target)/ && rule !~ /(ip6|ipv6)/) denying[chain] = 1
  if (match(rule, /(jump|goto) [^ ]+/)) {
    split(substr(rule, RSTART, RLENGTH), words, " ")
    called[chain] = called[chain] " " words[2]
  }
  verdict = unconditional(rule, $0)
  if (verdict != "") {
    total = ++verdicts[chain]
    verdict_of[chain, total] = verdict; handle_of[chain, total] = handle
    number_of[chain, total] = number
  }
}

# Whoever translates a port may do so in a chain that a rule for the port calls.
chain != "" && / # handle [0-9]+$/ && !/(udp dport|ip6)/ && chain !~ /NETAVARK/ && place !~ ("^(inet netavark$|ip " comment "$)") {
  direct = /(dnat (ip |prefix )*to |redirect|xt target "(DNAT|REDIRECT)")/
  target = match($0, /(jump|goto) [^ ]+/) ? substr($0, RSTART + 5, RLENGTH - 5) : ""
  if (direct) translating[chain] = 1
  if ((direct || target != "") && target !~ /NETAVARK/) {
    ports = values("dport")
    # Without ports it takes all of them, where nothing has sorted packets before.
    if (ports == "" && direct && !/dport/ && chain in policies) ports = "1-65535"
    if (ports != "") {
      rules[++ruled] = ports
      where_to[ruled] = direct ? "" : place " " target
      addresses[ruled] = values("daddr")
    }
  }
}

# Returns what a rule's packets must have there, by spaces; empty if it is anything, or what it is
# not. In a map it is what stands before the colons.
function values(key,    i, text, words, total, result) {
  if (!match($0, "(^|[ \t])" key " (map )?(\\{[^}]*\\}|[0-9][^ ]*)")) return ""
  text = substr($0, RSTART, RLENGTH)
  sub(".*" key " (map )?", "", text)
  gsub(/[{}]/, "", text)
  total = split(text, words, ",")
  for (i = 1; i <= total; i++) {
    gsub(/^[ \t]+|[ \t]*:.*$|[ \t]+$/, "", words[i])
    result = result " " words[i]
  }
  return substr(result, 2)
}

# Tells whether a chain, or one that it calls, translates.
function translates(chain, depth,    i, total, names, parts) {
  if (chain in translating) return 1
  split(chain, parts, " ")
  total = split(called[chain], names, " ")
  for (i = 1; i <= total && depth < 20; i++)
    if (translates(parts[1] " " parts[2] " " names[i], depth + 1)) return 1
  return 0
}

# Returns what a rule does with every packet, empty where it has conditions or only counts or logs.
# rule: without what is quoted; whole: with it
function unconditional(rule, whole,    verdict) {
  gsub(/[ \t]+/, " ", rule)
  sub(/ comment ""$/, "", rule)
  if (!match(rule, / (drop|accept|return|reject( with [a-z0-9 -]+)?|(jump|goto) [^ ]+|xt target ""|# xt_[A-Z]+)$/))
    return ""
  verdict = substr(rule, RSTART + 1)
  rule = substr(rule, 1, RSTART - 1)
  gsub(/ counter( packets [0-9]+ bytes [0-9]+| name "")?/, "", rule)
  gsub(/ log( prefix ""| level [a-z]+| group [0-9]+| flags (all|skuid|ether|ip options|tcp [a-z,]+))*/, "", rule)
  if (rule != "") return ""
  if (verdict ~ /xt/) return whole ~ /REJECT|DROP/ ? "drop" : ""
  return verdict ~ /^reject/ ? "drop" : verdict
}

# Returns how a chain ends for packets that meet none of its conditions, and sets `final` to the
# number of the verdict that decides: 0 where it is the policy, or the caller.
function outcome(chain, depth,    i, words, parts, result) {
  split(chain, parts, " ")
  for (i = 1; i <= verdicts[chain] && depth < 20; i++) {
    split(verdict_of[chain, i], words, " ")
    result = words[1]
    if (words[2] != "") {
      result = outcome(parts[1] " " parts[2] " " words[2], depth + 1)
      if (result == "return" && words[1] == "jump") continue
    }
    final = i
    return result
  }
  final = 0
  return "return"
}

# Tells whether a chain, or one that it calls, denies anything at all.
function denies(chain, depth,    i, total, names, parts) {
  if (chain in denying) return 1
  split(chain, parts, " ")
  total = split(called[chain], names, " ")
  for (i = 1; i <= total && depth < 20; i++)
    if (denies(parts[1] " " parts[2] " " names[i], depth + 1)) return 1
  return 0
}

END {
  for (i = 1; i <= count; i++) {
    chain = bases[i]
    result = outcome(chain, 0)
    last[chain] = final ? number_of[chain, final] : number + 1
    if (result == "return") result = policies[chain]
    # The deploy's own tables deny what they are made to deny.
    if (chain ~ ("^[a-z]+ " comment)) continue
    if (hooks[chain] ~ /^(forward|input)$/ && chain !~ /^netdev/ && result == "drop")
      print "barrier", hooks[chain], chain, final ? handle_of[chain, final] : "end"
    if (hooks[chain] ~ /^(ingress|prerouting)$/ && (result == "drop" || denies(chain, 0)))
      print "unseen", hooks[chain], chain
  }
  for (i = 1; i <= ruled; i++) {
    if (where_to[i] != "" && !translates(where_to[i], 0)) continue
    ports_total = split(rules[i], ports_of, " ")
    address_total = split(addresses[i] == "" ? "any" : addresses[i], addresses_of, " ")
    for (j = 1; j <= ports_total; j++)
      for (k = 1; k <= address_total; k++) {
        split(ports_of[j], ends, "-")
        print "translated", ends[1], ends[2] == "" ? ends[1] : ends[2], addresses_of[k]
      }
  }
  for (i = 1; i <= own; i++)
    print "rule", ours[i], !(ours[i] in last) || numbers[i] < last[ours[i]] ? digests[i] : 0, handles[i]
}
