-- What:  what the kernel complains of, as it does: out of memory, broken disks, crashed programs
-- Needs: systemd's journal, and leave to read it (group adm or systemd-journal)
-- Args:  HOST=web-1 (default: this machine)
-- Shows: "quiet", or the kind of trouble in red or yellow, until a line comes ten minutes after the last of it

local troubles = {
  { "Out of memory", "critical", "oom" },
  { "I/O error", "critical", "disk" },
  { "segfault", "warning", "crash" },
}
local host = pharos.env("HOST", "")

metric_watchers = {
  pharos.MetricWatcher{
    name = "kernel",
    events = pharos.exec.stream("journalctl -kf -n 0", function(self, line)
      for _, trouble in ipairs(troubles) do
        if line:find(trouble[1], 1, true) then
          self.until_then = pharos.time.now() + 600
          return trouble[2], trouble[3], line
        end
      end
      if pharos.time.now() > (self.until_then or 0) then return "ok", "quiet" end
    end, { ssh_host = host ~= "" and host or nil }),
  },
}
