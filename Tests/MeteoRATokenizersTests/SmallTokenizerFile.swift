import MeteoRATokenizers

/// A valid tokenizer.json of five tokens, of which a test changes what it is about.
///
/// Values are JSON as it stands in the file; a member set to `nil` is left out.
struct SmallTokenizerFile {
  private var members: [(key: String, json: String)] = [
    ("version", #""1.0""#), ("truncation", "null"), ("padding", "null"), ("added_tokens", "[]"),
    ("normalizer", "null"), ("pre_tokenizer", "null"), ("post_processor", "null"),
    ("decoder", "null"),
  ]
  private var modelMembers: [(key: String, json: String)] = [
    ("type", #""BPE""#), ("dropout", "null"), ("unk_token", "null"),
    ("continuing_subword_prefix", "null"), ("end_of_word_suffix", "null"), ("fuse_unk", "false"),
    ("byte_fallback", "false"), ("ignore_merges", "false"),
    ("vocab", #"{"a":0,"b":1,"c":2,"ab":3," ":4}"#), ("merges", #"["a b"]"#),
  ]

  init() {}

  init(_ key: String, _ json: String?) { set(key, json) }

  /// Changes a member of the file, or of its model, as `model.vocab`.
  mutating func set(_ key: String, _ json: String?) {
    if key.hasPrefix("model.") {
      Self.set(String(key.dropFirst(6)), json, in: &modelMembers)
    } else {
      Self.set(key, json, in: &members)
    }
  }

  private static func set(
    _ key: String, _ json: String?, in members: inout [(key: String, json: String)]
  ) {
    let place = members.firstIndex { $0.key == key }
    if let place { members.remove(at: place) }
    if let json { members.insert((key, json), at: place ?? members.count) }
  }

  var json: String {
    let model = (key: "model", json: "{" + Self.joined(modelMembers) + "}")
    return "{" + Self.joined(members + (hasModel ? [model] : [])) + "}"
  }

  /// Whether the file has a model at all.
  var hasModel = true

  private static func joined(_ members: [(key: String, json: String)]) -> String {
    members.map { "\"\($0.key)\":\($0.json)" }.joined(separator: ",")
  }

  func load() throws(TokenizerError) -> Tokenizer { try Tokenizer(json: Array(json.utf8)) }

  /// An entry of `added_tokens`.
  static func added(_ id: Int, _ content: String, _ flags: String...) -> String {
    let names = ["single_word", "lstrip", "rstrip", "normalized", "special"]
    let values = names.map { #""\#($0)":\#(flags.contains($0))"# }.joined(separator: ",")
    return #"{"id":\#(id),"content":"\#(content)",\#(values)}"#
  }
}
