import MeteoRASafetensors

/// What one field of the files beside a `tokenizer.model` says of a token.
struct TokenDefinition {
  /// The token's text, as UTF-8.
  let content: [UInt8]
  /// The id, where the field gives one.
  let id: Int?
  var isSpecial: Bool
  var isNormalized: Bool
  private(set) var stripsLeft = false
  private(set) var stripsRight = false
  private(set) var isSingleWord = false
  /// Whether it is one of `bos_token`, `eos_token`, ….
  private(set) var hasOwnField = false
  /// Whether it says nothing of a token that is defined already: a text in a list of special
  /// tokens.
  private(set) var keepsKnown = false
  /// Where it stands; `nil` for what holds without a field.
  private(set) var place: TokenizerField?

  init(content: [UInt8], id: Int?, isSpecial: Bool, isNormalized: Bool, place: TokenizerField?) {
    (self.content, self.id, self.place) = (content, id, place)
    (self.isSpecial, self.isNormalized) = (isSpecial, isNormalized)
  }

  /// The special token that a class has where no field names one.
  static func standard(_ content: String) -> TokenDefinition {
    TokenDefinition(
      content: Array(content.utf8), id: nil, isSpecial: true, isNormalized: false, place: nil)
  }

  /// Reads an entry of `added_tokens_decoder`.
  init(_ field: TokenizerField, id: Int?) throws(TokenizerError) {
    try field.refuseMembers(otherThan: [
      "__type", "content", "lstrip", "normalized", "rstrip", "single_word", "special",
    ])
    let isSpecial = try field.bool("special", standard: false)
    self.init(
      content: try field.required("content").utf8(), id: id, isSpecial: isSpecial,
      isNormalized: try field.bool("normalized", standard: !isSpecial), place: field)
    stripsLeft = try field.bool("lstrip", standard: false)
    stripsRight = try field.bool("rstrip", standard: false)
    isSingleWord = try field.bool("single_word", standard: false)
  }

  /// Reads a special token, a text or an object.
  ///
  /// - Parameters:
  ///   - isOfMap: Whether it stands in `special_tokens_map.json`, where it is special before the
  ///     other flags are read.
  ///   - hasOwnField: Whether it is one of `bos_token`, `eos_token`, ….
  init(
    special field: TokenizerField, isOfMap: Bool, hasOwnField: Bool
  ) throws(TokenizerError) {
    if field.value.kind == .object {
      try self.init(field, id: nil)
      if isOfMap { isNormalized = try field.bool("normalized", standard: false) }
      isSpecial = true
    } else {
      self.init(
        content: try field.utf8(), id: nil, isSpecial: true, isNormalized: false, place: field)
      keepsKnown = !hasOwnField
    }
    self.hasOwnField = hasOwnField
  }
}
