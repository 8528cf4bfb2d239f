-- What:  whether last night's backup is there, and of a credible size
-- Needs: the file, or one for each night
-- Args:  BACKUP=/var/backups/db-*.sql.gz, of which the newest counts
-- Shows: "7.5 hours", yellow after 26, red after 50; "1.2 GB", red below 1 MB

local path = pharos.env("BACKUP", "/var/backups/db-*.sql.gz")

metric_watchers = {
  pharos.FileMetricWatcher{ name = "backup age", path = path, interval = "1m", thresholds = { warn = "26h", crit = "50h" } },
  pharos.FileMetricWatcher{ name = "backup size", path = path, measure = "size", interval = "1m", thresholds = { warn = 100e6, crit = 1e6 } },
}
