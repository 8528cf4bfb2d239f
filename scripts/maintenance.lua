-- What:  a maintenance window: while a file says so, what is worked on is no problem
-- Needs: a file that whoever works writes, "new disks until 14:00", and removes
-- Args:  MAINTENANCE=/run/maintenance SITES="127.0.0.1:80 127.0.0.1:443"
-- Shows: "on" and what the file says; the sites run on in the shadow of it, dim

local file = pharos.env("MAINTENANCE", "/run/maintenance")

metric_watchers = {
  pharos.MetricWatcher{
    name = "maintenance", interval = "1s",
    check = function(self)
      local why, err = pharos.file.read(file, { max = 1000 })
      if why then return "unknown", "on", why end -- only trouble casts a shadow, and a window that is forgotten is one
      if err.kind == "missing" then return "ok", "none" end
      return nil, err
    end,
  },
}

local sites = {}
for address in pharos.env("SITES", "127.0.0.1:80 127.0.0.1:443"):gmatch("%S+") do
  sites[#sites + 1] = pharos.TCPMetricWatcher{ name = address, address = address, needs = "maintenance" }
end
metric_watcher_sets = { pharos.WatcherSet("Sites", sites) }
