// Seven hues and four styles of the line below the text: 28 adapters differ in one or the other,
// and neighbours in both. Some hues are alike to some eyes, and on grey paper, so a number names
// the adapter, too. The bright colours lie under dark text or draw lines on a dark page, the deep
// ones the other way round.

/// The colours and lines of adapters on a page.
enum AdapterPalette {
  /// A colour of 8 bits a channel.
  struct Paint: Sendable {
    var red: Int
    var green: Int
    var blue: Int

    init(_ rgb: Int) {
      red = rgb >> 16 & 255
      green = rgb >> 8 & 255
      blue = rgb & 255
    }

    /// As CSS's `rgb()` takes it.
    var css: String { "\(red) \(green) \(blue)" }
  }

  /// Blue, orange, green, pink, yellow, cyan, olive.
  static let bright = [
    0x77AADD, 0xEE8866, 0x44BB99, 0xFFAABB, 0xEEDD88, 0x99DDFF, 0xBBCC33,
  ].map { Paint($0) }
  static let deep = [
    0x25538A, 0x9C3B18, 0x0F6B52, 0x9A2C55, 0x7A5C00, 0x0B6482, 0x56610A,
  ].map { Paint($0) }

  static let lineStyles = ["solid", "dashed", "dotted", "double"]

  /// The page's ground and text.
  static let lightGround = Paint(0xFFFFFF)
  static let lightInk = Paint(0x1A1A1A)
  static let lightSoftInk = Paint(0x595959)
  static let darkGround = Paint(0x161616)
  static let darkInk = Paint(0xF4F4F4)
  static let darkSoftInk = Paint(0xB8B8B8)

  /// CSS variables for one of the two looks: `--page`, `--ink`, `--soft`, and by hue `--c…` for
  /// fills and `--l…` for lines.
  static func variables(isDark: Bool) -> String {
    let (ground, ink, soft) =
      isDark
      ? (darkGround, darkInk, darkSoftInk) : (lightGround, lightInk, lightSoftInk)
    let (fills, lines) = isDark ? (deep, bright) : (bright, deep)
    var text = "--page:rgb(\(ground.css));--ink:rgb(\(ink.css));--soft:rgb(\(soft.css));"
    for hue in bright.indices {
      text += "--c\(hue):\(fills[hue].css);--l\(hue):\(lines[hue].css);"
    }
    return text
  }

  /// The rules of an adapter: its hue, its line, and its number where a run of tokens begins.
  static func rules(adapter: Int) -> String {
    let hue = adapter % bright.count
    let style = lineStyles[(hue + adapter / bright.count) % lineStyles.count]
    return ".a\(adapter){--c:var(--c\(hue));--l:var(--l\(hue));--s:\(style)}"
      + ".a\(adapter)>.r::before{content:\"\(adapter)\"}\n"
  }

  /// How opaque a fill is: 0.12 for none, 1 for all of the weight.
  ///
  /// - Parameter share: 0 … 1; NaN counts as 0.
  static func depth(of share: Float) -> String {
    let share = share.isNaN ? 0 : min(max(share, 0), 1)
    let hundredths = Int((12 + 88 * share).rounded())
    if hundredths == 100 { return "1" }
    return hundredths < 10 ? ".0\(hundredths)" : ".\(hundredths)"
  }
}
