-- NagiosMetricWatcher: runs a monitoring plugin. Its exit code is the verdict:
-- 0 ok, 1 warning, 2 critical, anything else unknown. The tile shows the first
-- item of its performance data.
--
--   pharos.NagiosMetricWatcher{ name = "disk", command = "/usr/lib/nagios/plugins/check_disk -w 10% -c 5% -p /" }

local NagiosMetricWatcher = pharos.CommandMetricWatcher:extend{ class_name = "NagiosMetricWatcher" }

function NagiosMetricWatcher:run(command, options) return pharos.nagios(command, options) end

function NagiosMetricWatcher:handle_returncode(code, result)
  local first, said = result.perf[1] or {}, result.text
  if result.signal then said = "ended by signal " .. result.signal end
  if said == "" then said = result.stderr:match("[^\n]*%S[^\n]*") end -- no such plugin, most often
  return { status = result.status, value = first.value, unit = first.unit, detail = said }
end

return NagiosMetricWatcher
