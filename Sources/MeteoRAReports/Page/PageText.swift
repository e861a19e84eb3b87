// Text of models, files and people inside a page. Whatever it holds, it can neither become markup
// nor move, hide or reorder what stands around it, and the page stays well-formed XML too:
//
//   & < > " '                      references
//   line feed, tab                 ↵ and the line break, → and the tab
//   what has no ink: controls,
//   invisible and bidirectional    U+2028 as text in a box
//   marks, fillers, noncharacters
//   spaces that would not be seen  a mark on the space
//
// Joiners and variation selectors have no ink either, but Persian words and pictures of several
// characters need them. They stay where there is a character for them to change.

/// Makes text safe and visible.
enum PageText {
  /// Text for an attribute, a title or a heading: one line.
  static func plain(_ text: String) -> String {
    let scalars = Array(text.unicodeScalars)
    var result = ""
    for (scalar, isSeen) in zip(scalars, seen(scalars)) {
      if isSeen { append(scalar, to: &result) } else { result += codePoint(of: scalar) }
    }
    return result
  }

  /// The text of a token as content of an element that keeps white space.
  ///
  /// - Parameter label: Markup for the token's begin. It stands behind the space before a word, so
  ///   that the end of a line does not part it from the word.
  static func token(_ text: String, label: String = "") -> String {
    let scalars = Array(text.unicodeScalars)
    let isSeen = seen(scalars)
    let marksSpaces = scalars.allSatisfy { isSpace($0) }
    var result = ""
    var begin = 0
    if !marksSpaces, scalars.first == " " {
      begin = 1
      result += " "
    }
    result += label
    // An accent needs something to stand on that is not the label.
    if !label.isEmpty, begin < scalars.count, isSeen[begin],
      PageClasses(scalars[begin]).contains(.mark)
    {
      result += "◌"
    }
    for index in begin..<scalars.count {
      let scalar = scalars[index]
      switch scalar {
      case "\n": result += "<i class=\"n\"></i>\n"
      case "\t": result += "<i class=\"h\">\t</i>"
      case " " where marksSpaces || index > 0 && scalars[index - 1] == " ":
        result += "<i class=\"w\"> </i>"
      case _ where scalar != " " && isSpace(scalar):
        result += "<i class=\"b\">"
        result.unicodeScalars.append(scalar)
        result += "</i>"
      case _ where isSeen[index]: append(scalar, to: &result)
      default:
        result += "<i class=\"u\">\(codePoint(of: scalar))</i>"
        // These two end a line wherever they stand.
        if scalar == "\u{2028}" || scalar == "\u{2029}" { result += "\n" }
      }
    }
    return result
  }

  private static func append(_ scalar: Unicode.Scalar, to result: inout String) {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    default: result.unicodeScalars.append(scalar)
    }
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

  /// Of each scalar, whether a reader sees it or what it does to its neighbour.
  ///
  /// A variation selector does it to the drawn character before it, a joiner to that or, where the
  /// token begins with the joiner, to the one behind it.
  private static func seen(_ scalars: [Unicode.Scalar]) -> [Bool] {
    let classes = scalars.map { PageClasses($0) }
    let isDrawn = scalars.indices.map {
      !classes[$0].contains(.unseen) && !isSpace(scalars[$0])
    }
    var isSeen = classes.map { !$0.contains(.unseen) }
    for index in scalars.indices where !isSeen[index] {
      let followsDrawn = index > 0 && isDrawn[index - 1]
      if classes[index].contains(.variationSelector) {
        isSeen[index] = followsDrawn
      } else if classes[index].contains(.joiner) {
        let followsSelector =
          index > 0 && isSeen[index - 1] && classes[index - 1].contains(.variationSelector)
        let beginsDrawn = index == 0 && isDrawn.count > 1 && isDrawn[1]
        isSeen[index] = followsDrawn || followsSelector || beginsDrawn
      }
    }
    return isSeen
  }
}
