-- What:  how far a database's replica is behind
-- Needs: ssh to the replica and psql there, for a user that may ask
-- Args:  HOST=db-2
-- Shows: seconds behind, yellow from 10, red from 60; violet when the host cannot be reached

local query = "select coalesce(extract(epoch from now() - pg_last_xact_replay_timestamp()), 0)"

metric_watchers = {
  pharos.CommandMetricWatcher{
    name = "replication lag", ssh_host = pharos.env("HOST", "db-2"), interval = "5s",
    command = { "psql", "-XAtc", query }, unit = "s", thresholds = { warn = 10, crit = 60 },
    handle_output = function(self, output)
      return tonumber(output) -- nil, when it failed: then the exit code decides
    end,
  },
}
