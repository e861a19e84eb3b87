/// `text` with its control characters made visible, so that a model or a file cannot move the
/// cursor, change colours or rename the window.
///
/// Line feeds and tabs stay. The others become the pictures that Unicode has for them: U+2400 and
/// on for U+0000 ..< U+0020, U+2421 for U+007F and for the second set of controls up to U+009F.
///
/// - Parameter text: What a model wrote, or a part of it.
public func terminalText(_ text: String) -> String {
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    if isControl, scalar != "\n", scalar != "\t" {
      let picture = scalar.value < 0x20 ? Unicode.Scalar(0x2400 + scalar.value) : "\u{2421}"
      result.append(picture ?? "\u{FFFD}")
    } else {
      result.append(scalar)
    }
  }
  return String(result)
}
