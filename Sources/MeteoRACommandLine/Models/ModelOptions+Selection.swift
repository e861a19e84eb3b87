import MeteoRA

extension ModelOptions {
  /// The adapters that `--only` or `--without` lets the gates choose among; `nil` without either.
  ///
  /// - Parameter files: Those of a model that routes, with the router's settings.
  /// - Throws: ``UsageError`` for a list that names nothing; else what is wrong with a name, or
  ///   that fewer adapters are left than a token takes.
  static func selection(
    _ arguments: ParsedArguments, of files: ModelFiles
  ) throws -> AdapterSelection? {
    guard let option = [only, without].first(where: arguments.isGiven) else { return nil }
    let names = try arguments.texts(option).flatMap {
      try self.names(in: $0, of: files, for: option)
    }
    let isNamed = files.adapters.map { adapter in
      names.contains { $0.utf8.elementsEqual(adapter.name.utf8) }
    }
    let left = isNamed.count { $0 == (option.name == only.name) }
    let topK = files.router.topK
    guard left > 0 else {
      throw CommandFailure("option \(option.spelling) leaves no adapter to choose among")
    }
    guard topK <= left else {
      throw CommandFailure(
        "router top-k is \(topK), but option \(option.spelling) leaves \(left) "
          + "adapter\(left == 1 ? "" : "s"); give \(routerTopK.spelling) "
          + (left == 1 ? "1" : "1 to \(left)"))
    }
    return option.name == only.name ? .only(names) : .without(names)
  }

  /// The names between the commas of a value; one that is a name as a whole, commas included, is
  /// that name.
  private static func names(
    in text: String, of files: ModelFiles, for option: OptionDeclaration
  ) throws -> [String] {
    if files.adapters.contains(where: { $0.name.utf8.elementsEqual(text.utf8) }) { return [text] }
    let parts = text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    guard parts.allSatisfy({ !$0.isEmpty }) else {
      throw UsageError(
        "option \(option.spelling) is '\(printableArgument(text))', expected names of adapters "
          + "between commas, such as \(files.adapters.prefix(2).map(\.name).joined(separator: ","))"
      )
    }
    return try parts.map { part in
      try adapter(String(decoding: part, as: UTF8.self), of: files, for: option).name
    }
  }
}
