-- MetricWatcher: one tile of the board. Give it a function check, or events, or
-- extend it.
--
--   pharos.MetricWatcher{ name = "queue", interval = "1s", check = function(self)
--     return #waiting, "jobs waiting"
--   end }

local MetricWatcher = pharos.Class:extend{
  class_name = "MetricWatcher",
  options = {
    name = "string", -- what the tile says; needed
    id = "string", -- default: made of the set's name and this one's
    interval = "number|string", -- default 2 seconds
    timeout = "number|string", -- default: the interval, at most 10 seconds
    ttl = "number|string", -- after which a result is stale; default 3 x interval + timeout, with events none
    events = "source", -- pharos.exec.stream(...) or the like, instead of check and interval
    quiet = "boolean|number|string", -- of events: true is ok before the first verdict, "10m" also that long after the last
    thresholds = "table", -- { min, warn, crit } or by name; they judge a number
    unit = "string",
    link = "string", -- an http or https URL
    ssh_host = "string|table", -- where to look from; a list: from each of these hosts, pharos.here for this one
    merge = "string", -- what many vantages come to: "worst" (default), "best" or pharos.quorum(n)
    needs = "string|table", -- ids or patterns: in trouble, they explain this one's
    confirm = "number|table", -- how often a change of status is seen before it shows; { 2, of = 3 }
    steps = "number|table", -- of a journey: how many, or their names; default: as many as the last whole one had
    check = "function",
    value = "function",
    detail = "function",
  },
}

function MetricWatcher:check()
  error(("%s has no check: give it check = function(self) ... end, or events = ..."):format(self.name))
end

-- What the tile shows for a result { status, value, unit, detail, link }.
function MetricWatcher:value(result) return result.value end
function MetricWatcher:detail(result) return result.detail end

-- Each gives a result to return from check, and records it for this run: a
-- check that then returns nothing means it.
local function recorder(status)
  return function(self, value, detail, more)
    if type(self) ~= "table" then
      error(("cannot call %s of a %s: write self:%s(...), with a colon"):format(status, type(self), status), 2)
    end
    local verdict = { status = status, value = value, detail = detail }
    if type(detail) == "table" then verdict.detail, more = nil, detail end
    if type(more) == "string" then
      error(("cannot call %s with one text too many, %q: write self:%s(value, detail)"):format(status, more, status), 2)
    end
    for name, option in pairs(type(more) == "table" and more or {}) do verdict[name] = option end
    self.verdict = verdict
    return verdict
  end
end

MetricWatcher.ok = recorder("ok")
MetricWatcher.warning = recorder("warning")
MetricWatcher.critical = recorder("critical")
MetricWatcher.unknown = recorder("unknown")

return MetricWatcher
