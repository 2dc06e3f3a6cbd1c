# The jobs beside the instances, workers and scheduler: read by switch.sh, after instances.sh.
# shellcheck shell=sh

# Prints the names of the jobs of release $1, the scheduler last.
job_names() {
  for link in "releases/$1/quadlet/$JOB"@?*.container; do
    name=$(basename "${link##*@}" .container)
    [ ! -e "$link" ] || [ "$name" = "$SCHEDULER" ] || echo "$name"
  done
  [ ! -e "releases/$1/quadlet/$JOB@$SCHEDULER.container" ] || echo "$SCHEDULER"
}

# Tell whether job $2 runs from release $1.
job_runs() {
  runs "$1" "$JOB@$2" "$JOB-$2" || return 1
  runs_image "$1" "$JOB-$2"
}

# Prints which run of job $1 it is, empty if it does not run.
which_run() { incarnation "$JOB-$1"; }

# Stop the scheduler unless it runs from release $1: while instances change nothing new is begun.
stop_scheduler() {
  [ -n "$(incarnation "$JOB-$SCHEDULER")" ] || return 0
  job_runs "$1" "$SCHEDULER" && return 0
  echo "stops the scheduler"
  systemctl stop "$JOB@$SCHEDULER.service"
}

# Start the jobs that do not run from release $1, once all instances do; each has to stay up.
start_jobs() {
  started=
  for job in $(job_names "$1"); do
    job_runs "$1" "$job" && continue
    echo "starts job $job"
    systemctl reset-failed "$JOB@$job.service" 2>/dev/null
    systemctl restart "$JOB@$job.service" 2>/dev/null || {
      echo "job $job did not start; its last lines:"
      last_lines "$JOB@$job" ""
      keep_evidence "$1" "$JOB@$job"
      return 1
    }
    started="$started $job=$(which_run "$job")"
  done
  [ -n "$started" ] || return 0
  sleep "$WATCH"
  for pair in $started; do
    job=${pair%%=*}
    if ! job_runs "$1" "$job" || [ "$(which_run "$job")" != "${pair#*=}" ]; then
      echo "job $job did not stay up; its last lines:"
      last_lines "$JOB@$job" ""
      keep_evidence "$1" "$JOB@$job"
      return 1
    fi
  done
}
