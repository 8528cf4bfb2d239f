-- Class: the ground of every class here, and of your own.
--
--   local Disk = pharos.CommandMetricWatcher:extend{ command = "df -P", limit = 90 }
--   function Disk:handle_output(output) ... end
--   Disk{ name = "disk", limit = 95 }
--
-- Calling a class with a table of options makes that table its instance, so an
-- option hides what the class has by that name. An option is one that the class
-- or an ancestor declares in its table `options` (name = its Lua types, divided
-- by "|"), or any field that they have.

local _, _, _, fitting = ...

local Class = { class_name = "Class", super = false }
Class.__index = Class

local reserved = { class_name = true, extend = true, options = true, source = true, super = true, __index = true }

-- The types that an option may have, as text; nil if undeclared.
local function declared(class, option)
  local types
  while class and not types do
    local options = rawget(class, "options")
    types, class = options and options[option], rawget(class, "super")
  end
  return types
end

-- What can be given to a class, to say so: methods are left out.
local function valid_options(class)
  local seen, names = {}, {}
  while class do
    for name in pairs(rawget(class, "options") or {}) do seen[name] = true end
    for name, value in pairs(class) do
      if not reserved[name] and type(value) ~= "function" then seen[name] = true end
    end
    class = rawget(class, "super")
  end
  for name in pairs(seen) do names[#names + 1] = name end
  return names
end

-- Whether the word is one of a text's.
local function has(text, word) return text:find("%f[%a]" .. word .. "%f[%A]") end

-- The type of an option's value: what Go made is a source of events.
local function kind(value)
  local name = type(value)
  return name == "userdata" and "source" or name
end

-- Why an option cannot be used, or nil if it can.
local function problem(class, option, value)
  local types, name, given = declared(class, option), class.class_name, kind(value)
  if types == given or types and (has(types, given) or has(types, type(value))) then return nil end
  if types then
    local want = types:gsub("|", " or "):gsub("source", "what pharos.exec.stream, pharos.http.sse, pharos.tcp.lines or pharos.file.tail gives")
    return ("cannot use option %q of %s: want %s, got %s"):format(option, name, want, given)
  elseif type(option) ~= "string" then
    return ("cannot use option [%s] of %s: options have names, { name = ... }"):format(tostring(option), name)
  elseif reserved[option] or class[option] == nil then
    return ("cannot use option %q of %s %s"):format(option, name, pharos.suggest(option, valid_options(class)))
  end
end

local function construct(class, options)
  local name, message = class.class_name, nil
  if options == pharos then
    message = ("cannot make a %s with a colon: write pharos.%s{ name = ... }, with a dot"):format(name, name)
  elseif type(options) ~= "table" then
    message = ("cannot make a %s of a %s: write %s{ name = ... }"):format(name, type(options), name)
  elseif getmetatable(options) then
    message = ("cannot make a %s of a table that is one already: give each a table of its own"):format(name)
  elseif not fitting(class, options) then
    for option, value in pairs(options) do message = message or problem(class, option, value) end
  end
  if message then error(message, 2) end
  options.source = pharos.where(2)
  local self = setmetatable(options, class)
  if self.init then self:init() end
  return self
end

local kinds = { "boolean", "function", "number", "source", "string", "table", "userdata" }

-- Why a class cannot add an option of these types, or nil if it can.
local function mistaken(option, types)
  if type(option) ~= "string" or type(types) ~= "string" then
    return ("option [%s] = %s: want name = \"its Lua types\""):format(tostring(option), tostring(types))
  end
  for name in types:gmatch("%a+") do
    if not has(table.concat(kinds, " "), name) then
      return ("option %q: there is no type %q %s"):format(option, name, pharos.suggest(name, kinds))
    end
  end
end

-- A class with everything of this one, and the given fields.
function Class:extend(fields)
  if type(self) ~= "table" or not self.extend then
    error(("cannot extend a %s that is no class: write pharos.MetricWatcher:extend{ ... }, with a colon"):format(type(self)), 2)
  end
  local class = fields or {}
  if type(class) ~= "table" or getmetatable(class) then
    error(("cannot extend %s by what is no plain table: write %s:extend{ ... }"):format(self.class_name, self.class_name), 2)
  end
  local message = type(class.options or {}) ~= "table" and "options: want a table, got a " .. type(class.options)
  for option, types in pairs(not message and class.options or {}) do message = message or mistaken(option, types) end
  if message then error("cannot declare " .. message, 2) end
  local inherited = getmetatable(self)
  class.__index, class.super = class, self
  return setmetatable(class, { __index = self, __call = class.construct or inherited and inherited.__call or construct })
end

return Class
