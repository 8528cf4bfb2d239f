-- What:  systemd units, and how often each was restarted
-- Needs: systemctl
-- Args:  UNITS="ssh.service cron.service"
-- Shows: "active", red when it is not; yellow for a minute after each restart

local Unit = pharos.CommandMetricWatcher:extend{ options = { systemd_unit = "string" }, interval = "2s" }

function Unit:command()
  return { "systemctl", "show", "-p", "ActiveState,SubState,NRestarts", self.systemd_unit }
end

function Unit:handle_output(output)
  local active, sub = output:match("ActiveState=(%S+)"), output:match("SubState=(%S+)")
  local restarts = tonumber(output:match("NRestarts=(%d+)")) or 0
  if active ~= "active" then return self:critical(active or "no answer", sub) end

  local before = self.state -- survives reloads and restarts of Pharos
  if before.restarts and restarts > before.restarts then before.at = pharos.time.now() end
  before.restarts = restarts
  if before.at and pharos.time.now() - before.at < 60 then
    return self:warning("restarted", restarts .. " times")
  end
  return self:ok(active, ("%s, restarted %d times"):format(sub, restarts))
end

metric_watchers = {}
for unit in pharos.env("UNITS", "ssh.service cron.service"):gmatch("%S+") do
  table.insert(metric_watchers, Unit{ name = unit, systemd_unit = unit })
end
