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

local _, _, _, misusing, misdeclaring, note = ...

local Class = { class_name = "Class", super = false }
Class.__index = Class

local function construct(class, options)
  local message = misusing(class, options)
  if message then error(message, 2) end
  options.source = pharos.where(2)
  local self = setmetatable(options, class)
  if self.init then self:init() end
  note(self)
  return self
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
  local message = misdeclaring(class.options)
  if message then error(message, 2) end
  local inherited = getmetatable(self)
  class.__index, class.super = class, self
  return setmetatable(class, { __index = self, __call = class.construct or inherited and inherited.__call or construct })
end

return Class
