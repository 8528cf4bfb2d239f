-- What:  a page that is slow by its own standards, with no threshold to find out
-- Needs: a page
-- Args:  URL=http://127.0.0.1/ TIMES=3
-- Shows: its time, yellow from three times what is usual for it, red when it is down; "usually 0.0420 s"

local url, times = pharos.env("URL", "http://127.0.0.1/"), tonumber(pharos.env("TIMES", 3))
local hour = pharos.ring(720) -- of looks; what lasts for more than half of them has become usual

metric_watchers = {
  pharos.MetricWatcher{
    name = "page", interval = "5s", timeout = "5s", unit = "s", confirm = { 2, of = 3 },
    check = function(self)
      local page, err = pharos.http.get(url)
      if not page then return nil, err end
      if page.status ~= 200 then return "critical", "HTTP " .. page.status end
      hour:push(page.timing.total)
      if hour:count() < 12 then return "ok", page.timing.total, "a minute to see what is usual" end
      local usual = hour:quantile(0.5)
      return page.timing.total > times * usual and "warning" or "ok", page.timing.total, ("usually %.4f s"):format(usual)
    end,
  },
}
