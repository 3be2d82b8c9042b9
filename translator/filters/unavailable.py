"""An authorization that is declared and cannot be asked: every request is refused, none is let through.

The answer can be read by people and programs, as Emissary's: a 500 with JSON. Only liveness and readiness are told
still, since a pod that is restarted for a mistake in an object would not mend it.
"""

from typing import Final

from translator.values import dataclass

SCRIPT: Final = """
local exempt = {["/ambassador/v0/check_alive"] = true, ["/ambassador/v0/check_ready"] = true}
local function unavailable(handle)
  local headers = handle:headers()
  if exempt[(headers:get(":path") or ""):match("^[^?]*")] then
    return
  end
  local id = (headers:get("x-request-id") or ""):gsub("[^%w%-]", "")
  local said = '{"message": "the authorization service is not configured correctly: the gateway\\'s diagnostics tell'
  said = said .. ' what is wrong", "request_id": "' .. id .. '", "status_code": 500}\\n'
  handle:respond({[":status"] = "500", ["content-type"] = "application/json"}, said)
end
"""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Every request is refused."""
