import Foundation
import MeteoRAFixtures
import MeteoRAVerification
import Testing

/// The cases of the package's golden pack; none if the pack cannot be read, which
/// `GoldenPackTests` then reports.
enum PackCases {
  static let verification: Verification? = GoldenPack.directory.flatMap {
    try? Verification(pack: $0)
  }

  static let all: [GoldenCase] = verification?.manifest.cases ?? []

  /// The cases of an area, the part of the id before the first `/`.
  static func area(_ name: String) -> [GoldenCase] { all.filter { $0.area == name } }
}

extension GoldenCase: CustomTestStringConvertible {
  public var testDescription: String { id }
}
