-- What:  a page that has to be fast while people work, and only to be there at night
-- Needs: a site
-- Args:  SITE=http://127.0.0.1/ OPENS=8 CLOSES=18
-- Shows: the time of the page, yellow from 0.2 s on weekdays from 8 to 18, else from 2 s

local opens, closes = tonumber(pharos.env("OPENS", 8)), tonumber(pharos.env("CLOSES", 18))

local OfficePage = pharos.PageGETMetricWatcher:extend{}

function OfficePage:check()
  local now = os.date("*t") -- the time zone is that of the daemon, see $TZ
  local weekday = now.wday >= 2 and now.wday <= 6
  local open = weekday and now.hour >= opens and now.hour < closes
  self.thresholds = open and { warn = 0.2, crit = 1 } or { warn = 2, crit = 10 }
  return pharos.PageGETMetricWatcher.check(self)
end

metric_watchers = { OfficePage{ name = "intranet", url = pharos.env("SITE", "http://127.0.0.1/"), timeout = "10s", interval = "10s" } }
