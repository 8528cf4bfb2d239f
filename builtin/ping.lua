-- PingMetricWatcher: pings a host. No answer is critical, a lost one a warning;
-- the thresholds judge the mean time in seconds. The tile shows it in ms.
--
--   pharos.PingMetricWatcher{ name = "gateway", host = "192.0.2.1", thresholds = { warn = 0.05, crit = 0.5 } }

local passed = { count = "number", wait = "number|string", size = "number", ip = "number" }
local given = (...)(passed)

local PingMetricWatcher = pharos.MetricWatcher:extend{
  class_name = "PingMetricWatcher",
  options = {
    host = "string", -- name or address; needed
  },
}
for name, types in pairs(passed) do PingMetricWatcher.options[name] = types end

function PingMetricWatcher:init()
  if self.ssh_host then
    error(("%s: cannot use option \"ssh_host\" of %s: it looks from here only"):format(self.source, self.class_name), 0)
  end
  if not self.host or self.host == "" then
    error(("%s: cannot make a %s without a host"):format(self.source, self.class_name), 0)
  end
end

function PingMetricWatcher:check()
  local result, err = pharos.ping(self.host, given(self))
  if not result then return nil, err end

  local detail = ("%d of %d answered by %s (%s)"):format(result.received, result.sent, result.ip, result.via)
  if result.hint then detail = detail .. "; " .. result.hint end
  if result.received < result.sent then return self:warning(result.avg, detail) end
  return result.avg, detail
end

function PingMetricWatcher:value(result)
  if type(result.value) ~= "number" then return result.value end
  return ("%.2f ms"):format(result.value * 1000)
end

return PingMetricWatcher
