local function is_let_in_by_address(handle, said)
  local noted = handle:streamInfo():dynamicMetadata():get(said:get("any"))
  return noted ~= nil and noted[said:get("any_result")] == said:get("any_allowed")
end

-- One yes is enough. Of two that say no, one that can be mended by signing in, or by a password, counts.
local function check_any(handle, said)
  local asks, guards = said:get("cluster") ~= nil, said:get("challenge") ~= nil
  local is_in, refused = is_let_in_by_address(handle, said), nil
  if not is_in and guards then
    refused = check_password(handle, said)
    is_in = refused == nil
  end
  if not is_in and asks then
    local challenge = refused ~= nil and refused["www-authenticate"] or nil
    local other = ask(handle, said)
    is_in = other == nil
    if other ~= nil and not (refused ~= nil and other[":status"] == "403") then refused = other end
    if challenge ~= nil and refused == other and other ~= nil then
      refused["www-authenticate"] = {challenge, unpack(listed(other["www-authenticate"]))}
    end
  end
  if not is_in then
    handle:respond(refused, "")
  elseif guards then
    handle:headers():remove("authorization")
  end
end

local function check(handle)
  local said = handle:filterContext()
  if said:get("is") == nil then return end
  if said:get("is") ~= "checked" then return unavailable(handle) end
  if said:get("any") ~= nil then return check_any(handle, said) end
  local asks, guards, refused = said:get("cluster") ~= nil, said:get("challenge") ~= nil, nil
  if guards then refused = check_password(handle, said) end
  if refused == nil and asks then
    refused = ask(handle, said)
  elseif refused == nil and guards then
    handle:headers():remove("authorization")  -- a password is for us; no service is told, nor who gets a copy
  end
  if refused ~= nil then handle:respond(refused, "") end
end

function envoy_on_request(handle)
  local went_well, why = pcall(check, handle)
  if not went_well then
    handle:logWarn("a request could not be checked: " .. tostring(why))
    handle:respond({[":status"] = "500"}, "")
  end
end

function envoy_on_response(handle)
  set_cookies(handle)
end
