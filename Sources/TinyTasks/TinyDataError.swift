import Foundation
import MeteoRAEvaluation
import MeteoRASafetensors

/// A reason why the folder cannot be made.
package enum TinyDataError: Error, Equatable {
  /// A file or folder cannot be written, or something is there already.
  case file(FileAccessError)
  /// Items do not fit into a sample.
  case sample(CompositeError)
  /// A number of lines is out of range.
  case size(String, found: Int, expected: ClosedRange<Int>)
}

extension TinyDataError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .file(let error): "\(error)"
    case .sample(let error): "\(error)"
    case .size(let name, let found, let expected):
      "the number of lines \(name) is \(found), expected \(expected.lowerBound) to "
        + "\(expected.upperBound)"
    }
  }
}
