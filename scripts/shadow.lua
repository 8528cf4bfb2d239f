-- What:  one red light instead of forty: sites that need the uplink are in its shadow while that is down
-- Needs: an address beyond your router, and some sites
-- Args:  UPLINK=127.0.0.1:53 SITES="127.0.0.1:80 127.0.0.1:443"
-- Shows: the sites, each for itself; with the uplink red they are dim, say so, and are no problems of their own

metric_watchers = {
  -- Seen twice in a row: a packet lost is no outage, and casts no shadow.
  pharos.TCPMetricWatcher{ name = "uplink", address = pharos.env("UPLINK", "127.0.0.1:53"), interval = "1s", confirm = 2 },
}

local sites = {}
for address in pharos.env("SITES", "127.0.0.1:80 127.0.0.1:443"):gmatch("%S+") do
  sites[#sites + 1] = pharos.TCPMetricWatcher{ name = address, address = address, interval = "2s", needs = "uplink" }
end
metric_watcher_sets = { pharos.WatcherSet("Sites", sites) }
