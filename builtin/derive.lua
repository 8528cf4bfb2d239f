-- derive: a tile computed from others. It runs when they change, at most ten
-- times a second, and not by an interval. Its check gets the board of what it
-- is derived from, and then itself.
--
--   pharos.derive{ name = "quorum", of = "databases.*", check = function(board)
--     return board:count("ok") >= 2, board:count("ok") .. " of " .. board:total()
--   end }

local derive = pharos.MetricWatcher:extend{
  class_name = "derive",
  options = {
    of = "string|table", -- ids or patterns; needed
  },
}

function derive:init()
  if not self.of then error(self.source .. ": cannot make a derive without of = { ... }, what it is derived from", 0) end
  for _, option in ipairs{ "interval", "ttl", "confirm", "events", "quiet", "ssh_host", "steps" } do
    if self[option] then
      error(("%s: cannot use option %q of a derive: it runs when what it is derived from changes"):format(self.source, option), 0)
    end
  end
end

-- The worst of them, how many are ok, and which are in trouble, worst first.
local NAMED = 4
function derive.check(board)
  local names = { board:worst(NAMED) }
  local worst = table.remove(names, 1)
  local detail = table.concat(names, ", ")
  local more = board:count("critical") + board:count("unknown") + board:count("warning") - #names
  if more > 0 then detail = ("%s and %d more"):format(detail, more) end
  return worst, board:count("ok") .. "/" .. board:total(), detail
end

return derive
