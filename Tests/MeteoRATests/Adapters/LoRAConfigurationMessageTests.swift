import MeteoRA
import MeteoRATestSupport
import Testing

@Suite("Messages of an adapter_config.json that is refused")
struct LoRAConfigurationMessageTests {
  @Test("what is refused is shown, and what is not is told")
  func shows() throws {
    let folder = try TemporaryFolder()
    for (fields, message) in [
      (
        ["modules_to_save": #"["lm_head", "x", 3, null, true]"#],
        #"modules_to_save is ["lm_head", "x", 3, null, …], which is not supported"#
      ),
      (["layer_replication": "[[0,2]]"], "layer_replication is an array, which"),
      (
        ["init_lora_weights": #""pissa""#],
        "pissa, which is not supported; supported: true, false, gaussian, eva, orthogonal"
      ),
      (
        ["target_modules": #"["q_proj","lm_head"]"#],
        "target_modules is [q_proj, lm_head] and so changes lm_head, which is not supported; "
          + "supported: q_proj, k_proj,"
      ),
      (
        ["target_modules": #"".*""#],
        "target_modules is the expression '.*' and so changes lm_head, which is not supported"
      ),
    ] {
      var all = [
        "peft_type": #""LORA""#, "r": "8", "lora_alpha": "16", "target_modules": #"["q_proj"]"#,
      ]
      all.merge(fields) { $1 }
      let file = try folder.write(TinyBundle.object(all), to: "adapter_config.json")
      let error = try #require(throws: MeteoRAError.self) {
        try LoRAConfiguration(contentsOf: file)
      }
      #expect(error.description.contains(message), "\(error)")
    }
  }
}
