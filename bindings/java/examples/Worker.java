import com.google.protobuf.ByteString;
import gateway_protocol.GatewayGrpc;
import gateway_protocol.GatewayOuterClass.ActivatedJob;
import gateway_protocol.GatewayOuterClass.CompleteJobRequest;
import gateway_protocol.GatewayOuterClass.CreateProcessInstanceRequest;
import gateway_protocol.GatewayOuterClass.DeployResourceRequest;
import gateway_protocol.GatewayOuterClass.Resource;
import gateway_protocol.GatewayOuterClass.StreamActivatedJobsRequest;
import java.util.concurrent.TimeUnit;
import org.libzeebe.JobStream;
import org.libzeebe.ZeebeChannel;

/**
 * A job worker: deploys a process, creates instances of it, and completes their jobs as they come.
 *
 * <p>The environment names the gateway: ZEEBE_ADDRESS, CAMUNDA_CLIENT_ID, ...
 */
public class Worker {
  private static final int INSTANCES = 10;
  private static final String PROCESS =
      """
      <definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:z="http://camunda.org/schema/zeebe/1.0">
        <process id="greeting" isExecutable="true">
          <startEvent id="start"/>
          <serviceTask id="greet">
            <extensionElements><z:taskDefinition type="greet"/></extensionElements>
          </serviceTask>
          <endEvent id="end"/>
          <sequenceFlow id="first" sourceRef="start" targetRef="greet"/>
          <sequenceFlow id="second" sourceRef="greet" targetRef="end"/>
        </process>
      </definitions>
      """;

  public static void main(String[] args) {
    var request =
        StreamActivatedJobsRequest.newBuilder()
            .setType("greet")
            .setWorker("worker")
            .setTimeout(30_000)
            .build();
    try (ZeebeChannel channel = ZeebeChannel.fromEnvironment().build();
        JobStream<ActivatedJob> jobs =
            channel.streamJobs(GatewayGrpc.getStreamActivatedJobsMethod(), request).open()) {
      var gateway = GatewayGrpc.newBlockingStub(channel);
      deploy(gateway);
      for (int i = 0; i < INSTANCES; i++) {
        create(gateway, i);
      }
      int completed = 0;
      for (ActivatedJob job : jobs) {
        complete(gateway, job);
        // What this example has created is done; a worker goes on until its program ends.
        if (++completed == INSTANCES) {
          jobs.close();
        }
      }
    }
  }

  private static GatewayGrpc.GatewayBlockingStub soon(GatewayGrpc.GatewayBlockingStub gateway) {
    return gateway.withDeadlineAfter(10, TimeUnit.SECONDS);
  }

  private static void deploy(GatewayGrpc.GatewayBlockingStub gateway) {
    var resource =
        Resource.newBuilder()
            .setName("greeting.bpmn")
            .setContent(ByteString.copyFromUtf8(PROCESS));
    soon(gateway).deployResource(DeployResourceRequest.newBuilder().addResources(resource).build());
  }

  private static void create(GatewayGrpc.GatewayBlockingStub gateway, int number) {
    soon(gateway)
        .createProcessInstance(
            CreateProcessInstanceRequest.newBuilder()
                .setBpmnProcessId("greeting")
                .setVersion(-1)
                .setVariables("{\"number\": " + number + "}")
                .build());
  }

  private static void complete(GatewayGrpc.GatewayBlockingStub gateway, ActivatedJob job) {
    System.out.println("job " + job.getVariables());
    soon(gateway)
        .completeJob(
            CompleteJobRequest.newBuilder()
                .setJobKey(job.getKey())
                .setVariables("{\"greeting\": \"hello\"}")
                .build());
  }
}
