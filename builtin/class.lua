-- Class: the ground of every class here, and of your own.
--
--   local Disk = pharos.CommandMetricWatcher:extend{ command = "df -P", limit = 90 }
--   function Disk:handle_output(output) ... end
--   Disk{ name = "disk", limit = 95 }
--
-- A class is made by extend, an instance by calling the class with one table of
-- options. That table becomes the instance, so an option hides the field or
-- method of the class that has its name. An option must be declared in the
-- table `options` of its class or of one that it extends (name = the Lua types
-- it may have), or be a field of the class.

local Class = { class_name = "Class" }
Class.__index = Class
Class.super = false

local reserved = { class_name = true, extend = true, options = true, source = true, super = true }
local metamethods = { "__tostring", "__call", "__eq", "__lt", "__le", "__concat" }

-- The types that a class or its ancestors declare for an option, or nil.
local function declared(class, option)
  while class do
    local options = rawget(class, "options")
    if options and options[option] then return options[option] end
    class = rawget(class, "super")
  end
end

local function valid_options(class)
  local names, seen = {}, {}
  while class do
    for name in pairs(rawget(class, "options") or {}) do
      if not seen[name] then names[#names + 1], seen[name] = name, true end
    end
    class = rawget(class, "super")
  end
  return names
end

local accepted = {} -- "string|table" -> { string = true, table = true }

local function accepts(types, value)
  local set = accepted[types]
  if not set then
    set = {}
    for word in types:gmatch("%a+") do set[word] = true end
    accepted[types] = set
  end
  return set[type(value)]
end

-- Why an option cannot be used, or nil if it can.
local function problem(class, option, value)
  local types = declared(class, option)
  if types then
    if accepts(types, value) then return nil end
    return ("cannot use option %q of %s: want %s, got %s"):format(
      option, class.class_name, types:gsub("|", " or "), type(value))
  end
  if type(option) == "string" and not reserved[option] and class[option] ~= nil then return nil end
  if type(option) ~= "string" then
    return ("cannot use option [%s] of %s: options have names, { name = ... }"):format(tostring(option), class.class_name)
  end
  return ("cannot use option %q of %s %s"):format(option, class.class_name, pharos.suggest(option, valid_options(class)))
end

local function construct(class, options)
  local name = class.class_name
  if type(options) ~= "table" then
    error(("cannot make a %s of a %s: write %s{ name = ... }"):format(name, type(options), name), 2)
  end
  if getmetatable(options) then
    error(("cannot make a %s of a table that is one already: give each a table of its own"):format(name), 2)
  end
  for option, value in pairs(options) do
    local message = problem(class, option, value)
    if message then error(message, 2) end
  end
  options.source = pharos.where(2)
  local self = setmetatable(options, class)
  if self.init then self:init() end
  return self
end

-- A class that has everything of this one, and the given fields. Metamethods
-- are copied: Lua does not look for them further up.
function Class:extend(fields)
  local class = fields or {}
  for _, name in ipairs(metamethods) do
    if class[name] == nil then class[name] = rawget(self, name) end
  end
  class.__index = class
  class.super = self
  return setmetatable(class, { __index = self, __call = class.construct or construct })
end

return Class
