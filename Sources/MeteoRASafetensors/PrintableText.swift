/// Makes bytes from a file safe to show in a one-line message: control characters, line breaks
/// and invisible marks are written as `\u{…}`, broken UTF-8 as U+FFFD, and long text is cut.
///
/// - Parameters:
///   - utf8: The bytes to show; they need not be valid UTF-8.
///   - limit: The number of bytes after which the text ends in `…`.
package func printable(_ utf8: some Sequence<UInt8>, limit: Int = 120) -> String {
  var text = ""
  var decoder = UTF8.ForwardParser()
  var bytes = utf8.makeIterator()
  var shown = 0
  while true {
    let result = decoder.parseScalar(from: &bytes)
    if case .emptyInput = result { return text }
    if shown >= limit { return text + "…" }
    switch result {
    case .emptyInput:
      break
    case .error(let length):
      shown += length
      text += "\u{FFFD}"
    case .valid(let encoded):
      shown += encoded.count
      appendPrintable(UTF8.decode(encoded), to: &text)
    }
  }
}

/// As ``printable(_:limit:)-(Sequence<UInt8>,_)``, of a string's UTF-8 bytes.
package func printable(_ text: String, limit: Int = 120) -> String {
  printable(text.utf8, limit: limit)
}

private func appendPrintable(_ scalar: Unicode.Scalar, to text: inout String) {
  switch scalar.properties.generalCategory {
  case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
    text += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
  default:
    text.unicodeScalars.append(scalar)
  }
}
