/// A reason why a kernel refuses its arguments.
///
/// Every public entry of this module checks shapes before it touches an element.
public enum KernelError: Error, Equatable, Sendable {
  /// `argument` holds `actual` elements where its shape asks for `expected`.
  case elementCount(argument: String, expected: Int, actual: Int)
  /// A dimension that two arguments share differs between them.
  case dimensionMismatch(argument: String, expected: Int, actual: Int)
  /// A size or setting lies outside what the operation is defined for.
  case outOfRange(argument: String, actual: String, allowed: String)
  /// An adapter index is not below the number of adapters, or a token names one twice.
  case invalidSelection(token: Int, adapter: Int, adapterCount: Int)
  /// The number of elements of a shape does not fit in `Int`.
  case shapeOverflow(argument: String, shape: [Int])
}

extension KernelError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .elementCount(let argument, let expected, let actual):
      "\(argument) has \(actual) elements, its shape asks for \(expected)"
    case .dimensionMismatch(let argument, let expected, let actual):
      "\(argument) is \(actual), expected \(expected)"
    case .outOfRange(let argument, let actual, let allowed):
      "\(argument) is \(actual), allowed is \(allowed)"
    case .invalidSelection(let token, let adapter, let adapterCount):
      "token \(token) selects adapter \(adapter) of \(adapterCount), or selects it twice"
    case .shapeOverflow(let argument, let shape):
      "\(argument) of shape \(shape) has more elements than can be addressed"
    }
  }
}

/// The product of `shape`, checked against overflow.
package func elementCount(
  _ shape: [Int], of argument: String
) throws(KernelError) -> Int {
  var product = 1
  for dimension in shape {
    let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
    guard !overflow, dimension >= 0 else {
      throw .shapeOverflow(argument: argument, shape: shape)
    }
    product = next
  }
  return product
}

/// Throws unless `actual` elements are there for `shape`.
package func requireElements(
  _ actual: Int, shape: [Int], of argument: String
) throws(KernelError) {
  let expected = try elementCount(shape, of: argument)
  guard actual == expected else {
    throw .elementCount(argument: argument, expected: expected, actual: actual)
  }
}
