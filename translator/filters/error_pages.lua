local space = "dragoman.error_pages"

local function note(handle)
  local said, headers = handle:filterContext(), handle:headers()
  if said:get("cluster") == nil then return end
  local noted = handle:streamInfo():dynamicMetadata()
  noted:set(space, "codes", said:get("codes"))
  noted:set(space, "path", headers:get(":path") or "/")
  noted:set(space, "host", headers:get(":authority") or "")
end

local function is_hidden_by(said)
  local hidden = {}
  for _, name in ipairs(said:get("hidden")) do hidden[name] = true end
  return function(name) return hidden[name] or name:sub(1, 11) == "ssl-client-" end
end

local function question(handle, said, noted, status)
  local headers = handle:requestHeaders()
  local asked = passed_on(headers, is_hidden_by(said))
  local told = said:get("told")
  for place = 1, #told, 2 do asked[told[place]] = told[place + 1] end
  asked[":method"], asked[":authority"] = headers:get(":method"), noted["host"]
  asked[":path"] = "/" .. (noted["path"]:match("%?.*$") or "")
  asked["x-code"], asked["x-format"], asked["x-original-uri"] = status, headers:get("accept"), noted["path"]
  asked["x-forwarded-for"] = address_of(handle)
  return asked
end

-- All headers of the error go but its challenge: what is answered are those of who was asked.
local function answer_with(handle, answer)
  local headers, gone = handle:headers(), {}
  for name in pairs(headers) do
    if name:sub(1, 1) ~= ":" and name ~= "www-authenticate" then gone[#gone + 1] = name end
  end
  for _, name in ipairs(gone) do headers:remove(name) end
  headers:replace(":status", answer[":status"])
  for name, value in pairs(answer) do
    if name:sub(1, 1) ~= ":" and not hop[name] then
      for _, each in ipairs(listed(value)) do headers:add(name, each) end
    end
  end
end

-- Its body is waited for before anybody is asked: after that nothing could take its place any more.
local function replace(handle)
  local status, noted = handle:headers():get(":status"), handle:streamInfo():dynamicMetadata():get(space)
  if noted == nil or not noted["codes"]:find(status, 1, true) then return end
  local said, is_head = handle:filterContext(), handle:requestHeaders():get(":method") == "HEAD"
  if said:get("cluster") == nil then return end
  if not is_head then handle:body(true) end
  said, noted = handle:filterContext(), handle:streamInfo():dynamicMetadata():get(space)
  local answer, text = handle:httpCall(said:get("cluster"), question(handle, said, noted, status), nil,
    {timeout_ms = tonumber(said:get("timeout")), send_xff = false, return_duplicate_headers = true})
  answer_with(handle, answer)
  if not is_head then handle:body(true):setBytes(text or "") end
end

function envoy_on_request(handle)
  local went_well, why = pcall(note, handle)
  if not went_well then handle:logWarn("an error of this request will stay as it is: " .. tostring(why)) end
end

function envoy_on_response(handle)
  local went_well, why = pcall(replace, handle)
  if not went_well then handle:logWarn("an error could not be replaced: " .. tostring(why)) end
end
