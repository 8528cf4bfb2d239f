-- What:  a page, and which phase of it is slow
-- Needs: a web server
-- Args:  URL=http://127.0.0.1/
-- Shows: "slowest: wait" beside the total, yellow when one phase takes over 0.3 s

local url = pharos.env("URL", "http://127.0.0.1/")
local phases = { "dns", "connect", "tls", "wait", "receive" }

local PhasedPage = pharos.PageGETMetricWatcher:extend{ slow = 0.3 }

function PhasedPage:handle_output(body, page)
  local slowest = phases[1]
  for _, phase in ipairs(phases) do
    if page.timing[phase] > page.timing[slowest] then slowest = phase end
  end
  self.slowest = slowest
  if page.status == 200 and page.timing[slowest] > self.slow then
    return self:warning(page.timing.total, "slow")
  end
end

function PhasedPage:detail(result)
  return ("slowest: %s; %s"):format(self.slowest or "?", result.detail or "")
end

metric_watchers = { PhasedPage{ name = "page", url = url, interval = "1s", thresholds = { 0.0001, 0.5, 2 } } }
