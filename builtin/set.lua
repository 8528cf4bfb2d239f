-- WatcherSet: a named, ordered group of watchers, one section of the board.
--
--   pharos.WatcherSet("Watch Set 1", { pharos.CommandMetricWatcher{ ... }, ... })

local WatcherSet = pharos.Class:extend{
  class_name = "WatcherSet",
  construct = function(class, name, watchers)
    if type(name) ~= "string" or type(watchers) ~= "table" then
      error(('cannot make a WatcherSet of a %s and a %s: write WatcherSet("name", { ... })'):format(
        type(name), type(watchers)), 2)
    end
    return setmetatable({ name = name, watchers = watchers, source = pharos.where(2) }, class)
  end,
}

return WatcherSet
