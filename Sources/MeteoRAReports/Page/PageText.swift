// Text of models, files and people inside a page. Whatever it holds, it can neither become markup nor
// move, hide or reorder what stands around it, and the page stays well-formed XML too:
//
//   & < > " '                      references
//   line feed, tab                 ↵ and the line break, → and the tab
//   other controls, invisible
//   and bidirectional marks,       U+2028 as text in a box
//   noncharacters
//   spaces that would not be seen  a mark on the space

/// Makes text safe and visible.
enum PageText {
  /// Text for an attribute, a title or a heading: one line.
  static func plain(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      if !appendVisible(scalar, to: &result) { result += codePoint(of: scalar) }
    }
    return result
  }

  /// The text of a token as content of an element that keeps white space.
  ///
  /// - Parameter label: Markup for the token's begin. It stands behind the space before a word, so
  ///   that the end of a line does not part it from the word.
  static func token(_ text: String, label: String = "") -> String {
    let marksSpaces = text.unicodeScalars.allSatisfy { isSpace($0) }
    var result = ""
    var scalars = text.unicodeScalars[...]
    var previous: Unicode.Scalar?
    if !marksSpaces, scalars.first == " " {
      previous = scalars.popFirst()
      result += " "
    }
    result += label
    // An accent needs something to stand on that is not the label.
    if !label.isEmpty, isMark(scalars.first) { result += "◌" }
    for scalar in scalars {
      switch scalar {
      case "\n": result += "<i class=\"n\"></i>\n"
      case "\t": result += "<i class=\"h\">\t</i>"
      case " " where marksSpaces || previous == " ": result += "<i class=\"w\"> </i>"
      case _ where scalar != " " && isSpace(scalar):
        result += "<i class=\"b\">"
        result.unicodeScalars.append(scalar)
        result += "</i>"
      default:
        if !appendVisible(scalar, to: &result) {
          result += "<i class=\"u\">\(codePoint(of: scalar))</i>"
          // These two end a line wherever they stand.
          if scalar == "\u{2028}" || scalar == "\u{2029}" { result += "\n" }
        }
      }
      previous = scalar
    }
    return result
  }

  /// Whether a character is drawn onto the one before it.
  private static func isMark(_ scalar: Unicode.Scalar?) -> Bool {
    switch scalar?.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .spacingMark: true
    default: false
    }
  }

  /// - Returns: Whether the scalar is one that can be shown.
  private static func appendVisible(_ scalar: Unicode.Scalar, to result: inout String) -> Bool {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    case _ where isUnseen(scalar): return false
    default: result.unicodeScalars.append(scalar)
    }
    return true
  }

  private static func codePoint(of scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x20, 0xA0, 0x1680, 0x2000...0x200A, 0x202F, 0x205F, 0x3000: true
    default: false
    }
  }

  /// Controls, marks without a shape, separators of lines, tags, and code points that are no
  /// characters. Joiners stay: Persian words and pictures of several characters need them.
  private static func isUnseen(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0...0x1F, 0x7F...0x9F, 0xAD, 0x61C, 0x180E, 0x200B, 0x200E...0x200F, 0x2028...0x202E,
      0x2060...0x206F, 0xFDD0...0xFDEF, 0xFEFF, 0xFFF9...0xFFFB, 0xE0000...0xE0FFF:
      true
    default: scalar.value & 0xFFFE == 0xFFFE
    }
  }
}
