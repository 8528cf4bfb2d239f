-- What:  a mail server: does it greet, speak TLS, and take the mail of a canary
-- Needs: a mail server
-- Args:  MX=localhost:25 FROM=canary@example.com TO=postmaster@example.com
-- Shows: how long the conversation took; red with what the server said instead

local mx = pharos.env("MX", "localhost:25")
local from, to = pharos.env("FROM", "canary@example.com"), pharos.env("TO", "postmaster@example.com")

metric_watchers = {
  pharos.MetricWatcher{
    name = "mail", interval = "30s", unit = "s", thresholds = { warn = 1, crit = 5 },
    check = function(self)
      local smtp = assert(pharos.tcp.connect(mx, { starttls = "smtp", insecure = true }))
      for _, step in ipairs{
        { "EHLO canary", "^250" }, { ("MAIL FROM:<%s>"):format(from), "^250" }, { ("RCPT TO:<%s>"):format(to), "^25" },
        { "QUIT", "^221" }, -- nothing is sent
      } do
        assert(smtp:send(step[1] .. "\r\n"))
        local answer
        repeat answer = assert(smtp:line()) until not answer:find("^%d%d%d%-")
        if not answer:find(step[2]) then return self:critical(answer:sub(1, 3), step[1] .. ": " .. answer) end
      end
      return smtp:timing().total, "TLS " .. smtp:tls().version
    end,
  },
}
