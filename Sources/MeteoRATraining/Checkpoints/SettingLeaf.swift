import MeteoRASafetensors

/// A setting that holds no other settings.
struct SettingLeaf {
  let value: JSONValue

  /// Under their paths, such as `schedule.warmup` and `modules[0]`.
  static func all(of settings: JSONValue) throws(JSONError) -> [(name: String, value: SettingLeaf)]
  {
    _ = try settings.membersValue()
    var leaves: [(name: String, value: SettingLeaf)] = []
    append(settings, "", to: &leaves)
    return leaves
  }

  private static func append(
    _ value: JSONValue, _ path: String, to leaves: inout [(name: String, value: SettingLeaf)]
  ) {
    if let members = value.members, members.count > 0 {
      for (key, member) in members {
        append(member, path + (path.isEmpty ? "" : ".") + (key.string ?? ""), to: &leaves)
      }
    } else if let elements = value.elements, elements.count > 0 {
      for (index, element) in elements.enumerated() {
        append(element, "\(path)[\(index)]", to: &leaves)
      }
    } else if !path.isEmpty {
      leaves.append((path, SettingLeaf(value: value)))
    }
  }

  var text: String {
    switch value.kind {
    case .array: "[]"
    case .object: "{}"
    case .string: "\"\(printable(value.string ?? "", limit: 200))\""
    default: value.summary
    }
  }

  func equals(_ other: SettingLeaf) -> Bool {
    guard value.kind == other.value.kind else { return false }
    switch value.kind {
    case .number:
      // Numbers that binary64 does not tell apart may differ as integers.
      if let first = value.integer, let second = other.value.integer { return first == second }
      return value.double?.bitPattern == other.value.double?.bitPattern
    case .string: return value.utf8 == other.value.utf8
    case .boolean: return value.bool == other.value.bool
    case .null, .array, .object: return true
    }
  }
}
