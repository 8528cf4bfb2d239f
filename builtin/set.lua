-- WatcherSet: a named, ordered group of watchers, one section of the board.
--
--   pharos.WatcherSet("Watch Set 1", { pharos.CommandMetricWatcher{ ... }, ... }, { needs = "uplink" })
--   pharos.WatcherSet("Fleet", function() return { ... } end, { interval = "30s" })

local WatcherSet = pharos.Class:extend{
  class_name = "WatcherSet",
  construct = function(class, name, watchers, options)
    local kind = type(watchers)
    if type(name) ~= "string" or kind ~= "table" and kind ~= "function" then
      error(('cannot make a WatcherSet of a %s and a %s: write WatcherSet("name", { ... })'):format(type(name), kind), 2)
    elseif options ~= nil and type(options) ~= "table" then
      error(("cannot use the options of WatcherSet %q: they are a table, { needs = ... }"):format(name), 2)
    end
    return setmetatable({ name = name, watchers = watchers, options = options, source = pharos.where(2) }, class)
  end,
}

return WatcherSet
