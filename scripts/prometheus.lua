-- What:  one number of a Prometheus /metrics page: as it is, or how fast a counter grows
-- Needs: an exporter
-- Args:  METRICS=http://127.0.0.1:9090/metrics
-- Shows: the goroutines, yellow from 1000; the answers with code 500 a second, red from 1

local page = pharos.env("METRICS", "http://127.0.0.1:9090/metrics")

-- A series is named as it stands on the page, labels included.
local Series = pharos.MetricWatcher:extend{ options = { series = "string" }, interval = "5s" }

function Series:read()
  local answer = assert(pharos.http.get(page, { max_body = 4 * 1024 * 1024 }))
  if answer.status ~= 200 then return self:critical("HTTP " .. answer.status, answer.body:sub(1, 200)) end
  local _, last = ("\n" .. answer.body):find("\n" .. self.series .. " ", 1, true)
  local number = last and tonumber(answer.body:match("^%S+", last))
  return number or self:unknown("no number", self.series)
end

function Series:check() return self:read() end

local Rate = Series:extend{ unit = "/s" }

function Rate:check()
  local total, now, before = self:read(), pharos.time.now(), self.before
  if type(total) ~= "number" then return total end
  self.before = { total = total, at = now }
  if not before or total < before.total then return "pending" end -- the first look, or a counter that began anew
  return (total - before.total) / (now - before.at)
end

metric_watchers = {
  Series{ name = "goroutines", series = "go_goroutines", thresholds = { warn = 1000, crit = 10000 } },
  Rate{ name = "errors", series = 'http_requests_total{code="500"}', thresholds = { warn = 0.1, crit = 1 } },
}
