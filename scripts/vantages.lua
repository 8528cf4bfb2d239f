-- What:  one page as seen from several places at once
-- Needs: ssh to the vantages
-- Args:  URL=http://example.com/ VANTAGES="web-1 web-2"
-- Shows: one tile with a cell for each place; red once two of them cannot get the page, violet when too few can look

local url = pharos.env("URL", "http://example.com/")

local places = { pharos.here }
for host in pharos.env("VANTAGES", "web-1 web-2"):gmatch("%S+") do places[#places + 1] = host end

metric_watchers = {
  pharos.PageGETMetricWatcher{
    name = "page", url = url, thresholds = { 0.001, 0.5, 2 }, interval = "5s",
    ssh_host = places,
    merge = pharos.quorum(math.max(1, #places - 1)), -- one may fail: its line, and not the page
  },
  pharos.MetricWatcher{
    name = "slowest way to it", interval = "1m", unit = "s", ssh_host = places,
    check = function(self) -- an own check runs from each place too: self.ssh_host is where
      local page, err = pharos.http.get(url, { ssh_host = self.ssh_host })
      if not page then return nil, err end
      return page.timing.connect, page.remote_ip
    end,
  },
}
