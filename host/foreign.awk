# Tells what unit files and environment files say, and keeps what may be secret on the host.
#
#   awk -f foreign.awk kind=unit FILE… kind=environment FILE…
#
# Prints a line per assignment: kind, path, section, key, value, with a tab between each. Three stars
# stand for a value, or a part of one, that may be secret. Of settings that nobody needs there is the
# name alone. A variable is a line of its own, in whatever way the file writes it.

BEGIN {
  split("Image ContainerName Network PublishPort EnvironmentFile Secret Volume AddHost Timezone " \
        "IP Memory NetworkName VolumeName Driver Subnet Gateway IPRange Options " \
        "MemoryMax CPUQuota DefaultInstance", list, " ")
  for (i in list) told[list[i]] = 1
  # Somebody may have written a secret in these.
  commands["HealthCmd"] = commands["Exec"] = 1
  split("--network --net --publish -p --add-host --memory -m --cpus --ip", list, " ")
  for (i in list) told_option[list[i]] = 1
  # They sound like secrets, and are none.
  harmless["SECRET_VARIABLE_NAMES"] = harmless["SECRET_VERIFIER_MODE"] = 1
}

FNR == 1 {
  finish()
  section = ""; quote = ""; key_block = 0
  sub(/^\357\273\277/, "")
}

{ sub(/\r$/, "") }

kind == "environment" { variable_line($0); next }

# --- unit files ---

/^[ \t]*[#;]/ { next }
{
  continued = sub(/\\$/, "")
  logical = logical (logical == "" ? "" : " ") trimmed($0)
  path = FILENAME
  if (!continued) finish()
}

END { finish() }

function finish(  place, key, value) {
  if (logical ~ /^\[.*\]$/) section = substr(logical, 2, length(logical) - 2)
  else if ((place = index(logical, "=")) > 1) {
    key = trimmed(substr(logical, 1, place - 1))
    value = trimmed(substr(logical, place + 1))
    assignment(key, value)
  }
  logical = ""
}

function assignment(key, value,  count, i, list) {
  if (value == "") tell(section, key, "")
  else if (key == "Environment") {
    count = words(value, list)
    for (i = 1; i <= count; i++) variable(section, list[i])
  } else if (key == "PodmanArgs") podman_arguments(value)
  else if (key == "EnvironmentFile" && value !~ /^-?[\/%]/) tell(section, key, directory(path) value)
  else if (key in commands) tell(section, key, shown("", value))
  else tell(section, key, key in told ? value : "***")
}

function variable(section, text,  place) {
  place = index(text, "=")
  if (place == 0 || !is_name(substr(text, 1, place - 1))) return
  tell(section, "Environment", \
       substr(text, 1, place) shown(substr(text, 1, place - 1), substr(text, place + 1)))
}

# Podman's own options: those that say something of networks and limits, and the names of the rest.
function podman_arguments(text,  count, i, list, option, place) {
  count = words(text, list)
  option = ""
  for (i = 1; i <= count; i++) {
    if (list[i] ~ /^-/) {
      place = index(list[i], "=")
      option = place ? substr(list[i], 1, place - 1) : list[i]
      if (option !~ /^--?[a-z0-9-]+$/) option = "***"
      if (place == 0 && option in told_option && i < count) {
        tell(section, "PodmanArgs", option "=" list[++i])
      } else if (place) {
        tell(section, "PodmanArgs", \
             option "=" (option in told_option ? substr(list[i], place + 1) : "***"))
      } else tell(section, "PodmanArgs", option)
    }
  }
}

# --- environment files, as Podman reads them ---

function variable_line(text,  place, name, value) {
  # What goes on over several lines is one value, and none of its lines is a variable.
  if (quote != "") { if (index(text, quote)) quote = ""; return }
  if (key_block) { if (text ~ /-----END /) key_block = 0; return }
  sub(/^[ \t]+/, "", text)
  place = index(text, "=")
  if (text ~ /^#/ || place == 0) return
  name = substr(text, 1, place - 1); value = substr(text, place + 1)
  if (value ~ /-----BEGIN / && value !~ /-----END /) key_block = 1
  else if (value ~ /^["']/ && !index(substr(value, 2), substr(value, 1, 1))) {
    quote = substr(value, 1, 1)
    value = "***"
  }
  if (!is_name(name)) return
  path = FILENAME
  tell("", name, key_block ? "***" : shown(name, value))
}

# --- what may be told ---

# Returns a value as it may leave the host. What looks harmless is told, and nothing else.
function shown(name, value,  upper, lower, rest, run) {
  upper = toupper(name); lower = tolower(value)
  gsub(/VALKEY/, "", upper)
  if (value == "" || name in harmless) return value
  if (value ~ /:\/\//) {
    if (match(value, /:\/\/.*@/)) {
      value = substr(value, 1, RSTART - 1) "://***@" substr(value, RSTART + RLENGTH)
    }
    sub(/[?#].*$/, "?***", value)
    lower = tolower(value)
  } else if (value ~ /:[^\/ ]*@/) return "***"
  if (upper ~ /SECRET|PASS|PWD|TOKEN|KEY|CREDENTIAL|PRIVATE|SALT|PEPPER|HMAC|DSN/) return "***"
  if (lower ~ /pass(word|wd)?["']?[ :=]|(^|[^a-z])(secret|token|key)["']?[ :=]/) return "***"
  # Nobody writes a long word with digits by hand.
  rest = value
  while (match(rest, /[A-Za-z0-9_+=-]+/)) {
    run = substr(rest, RSTART, RLENGTH)
    if (length(run) >= 20 && run ~ /[0-9]/) return "***"
    rest = substr(rest, RSTART + RLENGTH)
  }
  return value
}

function is_name(text) { return text ~ /^[A-Za-z_][A-Za-z0-9_]*$/ && length(text) <= 200 }

function tell(section, key, value) {
  gsub(/\t/, " ", key); gsub(/\t/, " ", section)
  print kind "\t" path "\t" section "\t" key "\t" value
}

function trimmed(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }

function directory(file) { sub(/[^\/]*$/, "", file); return file }

# Splits text as systemd does, at blanks outside of quotes. Returns how many words there are.
function words(text, list,  i, character, open, word, count, begun) {
  split("", list)
  count = 0; open = ""; word = ""; begun = 0
  for (i = 1; i <= length(text); i++) {
    character = substr(text, i, 1)
    if (character == "\\" && open != "'" && i < length(text)) { word = word substr(text, ++i, 1); begun = 1 }
    else if (open != "") { if (character == open) open = ""; else word = word character }
    else if (character == "\"" || character == "'") { open = character; begun = 1 }
    else if (character == " " || character == "\t") {
      if (begun) list[++count] = word
      word = ""; begun = 0
    } else { word = word character; begun = 1 }
  }
  if (begun) list[++count] = word
  return count
}
