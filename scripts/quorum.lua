-- What:  a cluster as one tile: how many of its databases answer, and what is queued in all of them
-- Needs: databases that take connections; those below are only stand-ins
-- Args:  DATABASES="127.0.0.1:5432 127.0.0.1:5433 127.0.0.1:5434"
-- Shows: "3/3"; yellow while a majority is left, red without one. It follows its databases at once

local members = {}
for address in pharos.env("DATABASES", "127.0.0.1:5432 127.0.0.1:5433 127.0.0.1:5434"):gmatch("%S+") do
  members[#members + 1] = pharos.TCPMetricWatcher{ name = address, address = address, interval = "1s" }
end

metric_watchers = {
  pharos.derive{
    name = "quorum", of = "databases.*", -- a pattern of ids: the set's name, and any of its watchers
    check = function(board)
      local up, all = board:count("ok"), board:total()
      local status = up == all and "ok" or up > all / 2 and "warning" or "critical"
      return status, ("%d/%d"):format(up, all), "a majority is " .. math.floor(all / 2) + 1
    end,
  },
  pharos.derive{
    name = "slowest database", of = "databases.*", unit = "s",
    check = function(board)
      local most, who = 0, "none answers"
      for _, tile in board:each() do
        if tile.status == "ok" and tile.value > most then most, who = tile.value, tile.name end
      end
      return most, who
    end,
  },
}

metric_watcher_sets = { pharos.WatcherSet("Databases", members) }
