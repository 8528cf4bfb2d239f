-- What:  a page each ten seconds while it is well, and five times a second while it is not
-- Needs: a page
-- Args:  URL=http://127.0.0.1/
-- Shows: its time; when it is slow or down, the trail runs in slow motion until it is well again

local url = pharos.env("URL", "http://127.0.0.1/")
local soon = { again = "200ms" } -- the next run, counted from the start of this one

metric_watchers = {
  pharos.MetricWatcher{
    name = "page", interval = "10s", timeout = "2s", unit = "s",
    check = function(self)
      local page, err = pharos.http.get(url)
      if not page then return nil, err, soon end
      if page.status ~= 200 then return "critical", "HTTP " .. page.status, soon end
      if page.timing.total > 0.3 then return "warning", page.timing.total, "slow", soon end
      return "ok", page.timing.total
    end,
  },
}
