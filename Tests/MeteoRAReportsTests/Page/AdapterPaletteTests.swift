import Foundation
import Testing

@testable import MeteoRAReports

@Suite("The colours of a page")
struct AdapterPaletteTests {
  private typealias Paint = AdapterPalette.Paint

  /// Relative luminance as WCAG 2 defines it, of a paint over another.
  private func luminance(_ paint: Paint, alpha: Double = 1, over ground: Paint) -> Double {
    func linear(_ upper: Int, _ lower: Int) -> Double {
      let value = (alpha * Double(upper) + (1 - alpha) * Double(lower)) / 255
      return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
    }
    return 0.2126 * linear(paint.red, ground.red) + 0.7152 * linear(paint.green, ground.green)
      + 0.0722 * linear(paint.blue, ground.blue)
  }

  private func contrast(_ first: Double, _ second: Double) -> Double {
    (max(first, second) + 0.05) / (min(first, second) + 0.05)
  }

  @Test("text reads on every fill of every depth, in light and dark", arguments: [false, true])
  func contrast(isDark: Bool) {
    let ground = isDark ? AdapterPalette.darkGround : AdapterPalette.lightGround
    let ink = isDark ? AdapterPalette.darkInk : AdapterPalette.lightInk
    let soft = isDark ? AdapterPalette.darkSoftInk : AdapterPalette.lightSoftInk
    let fills = isDark ? AdapterPalette.deep : AdapterPalette.bright
    let lines = isDark ? AdapterPalette.bright : AdapterPalette.deep
    #expect(fills.count == 7 && lines.count == 7)
    let page = luminance(ground, over: ground)
    #expect(contrast(luminance(ink, over: ground), page) >= 7)
    #expect(contrast(luminance(soft, over: ground), page) >= 4.5)
    for fill in fills {
      for depth in [0.12, 0.3, 0.5, 0.8, 1] {
        let below = luminance(fill, alpha: depth, over: ground)
        #expect(contrast(luminance(ink, over: ground), below) >= 4.5, "\(fill) \(depth)")
      }
    }
    // Numbers are written in the page's colour on that of the line.
    for line in lines {
      #expect(contrast(luminance(line, over: ground), page) >= 4.5, "\(line)")
    }
  }

  @Test("28 adapters differ in hue or line, and each has its number")
  func differ() {
    let rules = (0..<28).map { AdapterPalette.rules(adapter: $0) }
    let looks = rules.compactMap { rule in
      rule.split(separator: "}").first?.split(separator: "{").last.map(String.init)
    }
    #expect(Set(looks).count == 28)
    for (adapter, rule) in rules.enumerated() {
      #expect(rule.hasPrefix(".a\(adapter){"))
      #expect(rule.contains("content:\"\(adapter)\""))
    }
  }

  @Test(
    "a larger share is deeper",
    arguments: [
      (Float(0), ".12"), (0.5, ".56"), (1, "1"), (.nan, ".12"), (-1, ".12"), (2, "1"),
      (.infinity, "1"),
    ])
  func depth(share: Float, expected: String) {
    #expect(AdapterPalette.depth(of: share) == expected)
  }

  @Test("a terminal has the hues of the page, as long as they last")
  func terminalHues() {
    for (adapter, paint) in AdapterPalette.bright.enumerated() {
      let color = Color.adapter(adapter, intensity: 1)
      #expect(color.red == paint.red && color.green == paint.green && color.blue == paint.blue)
    }
    let all = (0..<28).map { Color.adapter($0, intensity: 1) }
    for (index, color) in all.enumerated() { #expect(!all[..<index].contains(color)) }
  }
}
