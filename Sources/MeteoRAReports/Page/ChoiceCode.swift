import MeteoRA

// The weights that a page shows on demand, as text that needs no escape:
//
//   choice     adapter (10 bits) · weight in ten thousandths (14 bits), 16383 for NaN
//   text       the 24 bits as four characters of Base64 (RFC 4648), highest bits first
//   token      its choices: module after module in the order in which they run, in each the largest
//              gate logit first
//   sequence   token after token, so that a token's text begins at token × modules × k × 4

/// A chosen adapter and its weight in four characters.
enum ChoiceCode {
  static let adapterBits = 10
  private static let weightBits = 14
  private static let notANumber: UInt32 = 1 << 14 - 1

  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// - Parameters:
  ///   - adapter: Below 1024.
  ///   - weight: 0 … 1 or NaN; others are taken as the nearest of those.
  static func append(adapter: Int, weight: Float, to text: inout [UInt8]) {
    let steps =
      weight.isNaN ? notANumber : UInt32((min(max(weight, 0), 1) * 10_000).rounded())
    let code = UInt32(truncatingIfNeeded: adapter) << weightBits | steps
    for shift in [18, 12, 6, 0] { text.append(alphabet[Int(code >> UInt32(shift) & 63)]) }
  }

  /// The choices of some tokens of a sequence.
  static func text(of tokens: Range<Int>, in modules: [ModuleRouting]) -> String {
    var text: [UInt8] = []
    for token in tokens {
      for module in modules {
        for choice in module.choices(of: token) {
          append(adapter: choice.adapter, weight: choice.weight, to: &text)
        }
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
