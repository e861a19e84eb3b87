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
  /// A dimension of a shape is negative or larger than any that is taken.
  case invalidDimension(argument: String, shape: [Int], maximum: Int)
  /// A shape has more elements than are made at once, or can be addressed.
  case tooManyElements(argument: String, shape: [Int], maximum: Int)
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
    case .invalidDimension(let argument, let shape, let maximum):
      "\(argument) is of shape \(shape), every dimension must be in 0...\(maximum)"
    case .tooManyElements(let argument, let shape, let maximum):
      "\(argument) is of shape \(shape), allowed are at most \(maximum) elements"
    }
  }
}

/// The largest dimension of a shape. No tensor of a model comes near; products of two dimensions
/// that passed cannot overflow, so that loops and offsets need no further checks.
let maximumDimension = 1 << 31

/// Elements that an operation makes at most: 8 GiB of binary32. Inputs need no such limit, since
/// they are in memory already.
let maximumOutputElements = 1 << 31

/// The product of `shape`.
///
/// - Throws: ``KernelError`` if a dimension is out of range, or the product is no `Int`.
func elementCount(
  _ shape: [Int], of argument: String
) throws(KernelError) -> Int {
  var product = 1
  for dimension in shape {
    guard (0...maximumDimension).contains(dimension) else {
      throw .invalidDimension(argument: argument, shape: shape, maximum: maximumDimension)
    }
    let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
    guard !overflow else {
      throw .tooManyElements(argument: argument, shape: shape, maximum: .max)
    }
    product = next
  }
  return product
}

/// The product of the shape of an output that is about to be allocated.
///
/// - Throws: ``KernelError`` if it is more than ``maximumOutputElements``.
func outputCount(
  _ shape: [Int], of argument: String
) throws(KernelError) -> Int {
  let count = try elementCount(shape, of: argument)
  guard count <= maximumOutputElements else {
    throw .tooManyElements(argument: argument, shape: shape, maximum: maximumOutputElements)
  }
  return count
}

/// Throws unless `actual` elements are there for `shape`.
func requireElements(
  _ actual: Int, shape: [Int], of argument: String
) throws(KernelError) {
  let expected = try elementCount(shape, of: argument)
  guard actual == expected else {
    throw .elementCount(argument: argument, expected: expected, actual: actual)
  }
}
