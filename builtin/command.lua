-- CommandMetricWatcher: runs a command. Exit 0 is ok, anything else critical;
-- the value is the exit code.
--
--   pharos.CommandMetricWatcher{ name = "Is True?", command = "true" }

local giving, _, decided = ...
local given = giving{ "stdin", "env", "cwd", "user", "max_output", "kill_after", "ssh_host" }

local CommandMetricWatcher = pharos.MetricWatcher:extend{
  class_name = "CommandMetricWatcher",
  options = {
    command = "string|table|function", -- for /bin/sh -c, an argv, or a method that gives one; needed
    ssh_host = "string|table", -- run it there; a list: on each
    stdin = "string",
    env = "table",
    cwd = "string",
    user = "string",
    max_output = "number",
    kill_after = "number|string",
    handle_output = "function",
    handle_returncode = "function",
  },
}

-- A shell does well with nothing to run, and the tile would be green.
local function empty(command)
  if type(command) == "table" then command = command[1] end
  return type(command) ~= "function" and not (command and tostring(command):find("%S"))
end

function CommandMetricWatcher:init()
  if empty(self.command) then
    error(("%s: cannot make a %s without a command"):format(self.source, self.class_name), 0)
  end
end

function CommandMetricWatcher:check()
  local command = self.command
  if type(command) == "function" then command = command(self) end
  local result, err = self:run(command, given(self))
  if not result then return nil, err end

  local status, value, detail, more = decided(self, result.code == 0, self:handle_output(result.stdout, result))
  if status ~= nil or value ~= nil then return status, value, detail, more end
  if self.verdict then return self.verdict end
  return self:handle_returncode(result.code, result)
end

-- How the command is run.
function CommandMetricWatcher:run(command, options) return pharos.exec(command, options) end

-- Override it to judge what was printed; whatever it decides wins.
function CommandMetricWatcher:handle_output(output, result) end

-- Override it to judge the exit code; -1 if result.signal ended the command.
function CommandMetricWatcher:handle_returncode(code, result)
  local said = (result.stdout .. result.stderr):match("[^\n]*%S[^\n]*")
  if code == 0 then return self:ok(code, said) end
  if result.signal then said = "ended by signal " .. result.signal end
  return self:critical(code, said)
end

return CommandMetricWatcher
