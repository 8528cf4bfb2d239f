-- DNSMetricWatcher: asks a name server. No such name, no record and a record
-- that is not as expected are critical; the thresholds judge the time in seconds.
--
--   pharos.DNSMetricWatcher{ name = "example.com", host = "example.com", expect = "192.0.2.1", server = "9.9.9.9" }

local passed = {
  type = "string", server = "string", tcp = "boolean", dnssec = "boolean", direct = "boolean", ssh_host = "string|table",
}
local given = (...)(passed)

local DNSMetricWatcher = pharos.MetricWatcher:extend{
  class_name = "DNSMetricWatcher",
  options = {
    host = "string", -- the name to ask for; needed
    expect = "string|table", -- the data of the only record, or of all, in any order
  },
}
for name, types in pairs(passed) do DNSMetricWatcher.options[name] = types end

function DNSMetricWatcher:init()
  if not self.host or self.host == "" then
    error(("%s: cannot make a %s without a host"):format(self.source, self.class_name), 0)
  end
  local expect = self.expect
  if expect == "" or type(expect) == "table" and #expect == 0 then -- no answer could be that
    error(("%s: cannot use option \"expect\" of %s: want the data of a record at least"):format(self.source, self.class_name), 0)
  end
end

local function sorted(list)
  local copy = {}
  for i, text in ipairs(list) do copy[i] = text end
  table.sort(copy)
  return table.concat(copy, ", ")
end

function DNSMetricWatcher:check()
  local answer, err = pharos.dns(self.host, given(self))
  if not answer then return nil, err end

  local got = sorted(answer.values)
  local asked = ("asking %s for %s of %q"):format(answer.server, self.type or "A", self.host)
  if answer.code ~= "NOERROR" then return self:critical(answer.code, asked) end
  if got == "" then return self:critical("no record", asked) end
  local expect = self.expect
  if type(expect) == "string" then expect = { expect } end
  if expect and sorted(expect) ~= got then
    return self:critical("wrong", ("%s, want %s, from %s"):format(got, sorted(expect), answer.server))
  end
  self.total = answer.timing.total
  return self.total, ("%s from %s"):format(got, answer.server)
end

return DNSMetricWatcher
