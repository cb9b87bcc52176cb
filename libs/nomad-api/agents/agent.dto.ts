import type { NetworkStatus } from '@app/domain';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNotEmpty,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  MaxLength,
  Max,
  Min,
} from 'class-validator';
import { Holds } from './checked-data.js';
import { Nested } from './validated-body.js';

/** Longest names and descriptions an agent may send. */
const MAX_NAME = 128;
const MAX_TEXT = 4096;
/** Updates in one request. */
const MAX_UPDATES = 1024;
/** Services of one allocation, tags of one of them, and bytes of its id: names of group or task, service and port are in it. */
const MAX_SERVICES = 256;
const MAX_TAGS = 256;
/** Identities of one task. */
const MAX_IDENTITIES = 64;
const MAX_SERVICE_ID = 1024;

class CpuDto {
  @IsInt() @Min(0) CpuShares!: number;
  @IsInt() @Min(0) TotalCpuCores!: number;
  @IsOptional() @IsArray() @IsInt({ each: true }) ReservableCpuCores!: number[] | null;
}
class MemoryDto {
  @IsInt() @Min(0) MemoryMB!: number;
}
class DiskDto {
  @IsInt() @Min(0) DiskMB!: number;
}
class NodeResourcesDto {
  @Nested(() => CpuDto) @IsObject() Cpu!: CpuDto;
  @Nested(() => MemoryDto) @IsObject() Memory!: MemoryDto;
  @Nested(() => DiskDto) @IsObject() Disk!: DiskDto;
  @IsOptional() @IsArray() @IsObject({ each: true }) NodeNetworks!: object[] | null;
  @IsOptional() @IsArray() @IsObject({ each: true }) Networks!: object[] | null;
  @IsInt() @Min(0) MinDynamicPort!: number;
  @IsInt() @Min(0) MaxDynamicPort!: number;
}
class ReservedCpuDto {
  @IsInt() @Min(0) CpuShares!: number;
}
class ReservedNetworksDto {
  @IsString() ReservedHostPorts!: string;
}
class ReservedResourcesDto {
  @Nested(() => ReservedCpuDto) @IsObject() Cpu!: ReservedCpuDto;
  @Nested(() => MemoryDto) @IsObject() Memory!: MemoryDto;
  @Nested(() => DiskDto) @IsObject() Disk!: DiskDto;
  @Nested(() => ReservedNetworksDto) @IsObject() Networks!: ReservedNetworksDto;
}

/** What an agent says of its node. */
export class NodeDto {
  @IsUUID() ID!: string;
  @IsNotEmpty() @MaxLength(MAX_NAME) Name!: string;
  @IsNotEmpty() @MaxLength(MAX_NAME) Datacenter!: string;
  @IsNotEmpty() @MaxLength(MAX_NAME) NodePool!: string;
  @IsString() @MaxLength(MAX_NAME) NodeClass!: string;
  @IsString() @MaxLength(MAX_TEXT) HTTPAddr!: string;
  @Holds('texts by name') Attributes!: Record<string, string>;
  @IsOptional() @Holds('texts by name') Meta!: Record<string, string> | null;
  @Holds('drivers by name') Drivers!: Record<string, never>;
  @Nested(() => NodeResourcesDto) @IsObject() NodeResources!: NodeResourcesDto;
  @Nested(() => ReservedResourcesDto) @IsObject() ReservedResources!: ReservedResourcesDto;
  @IsOptional() @Holds('volumes by name') HostVolumes!: Record<string, never> | null;
}

/** `PUT /agent/v1/node`. */
export class RegisterNodeDto {
  @Nested(() => NodeDto) @IsObject() Node!: NodeDto;
  @Length(16, MAX_NAME) SecretID!: string;
}

/** `PUT /agent/v1/node/:id/heartbeat`. */
export class HeartbeatDto {
  @IsIn(['ready']) Status!: 'ready';
}

class HealthDto {
  @IsBoolean() Healthy!: boolean;
  @IsInt() @Min(0) @Max(Number.MAX_SAFE_INTEGER) TimestampUs!: number;
}
/** A service that an allocation has on offer. */
export class ServiceDto {
  @IsString() @MaxLength(MAX_SERVICE_ID) ID!: string;
  @IsNotEmpty() @MaxLength(MAX_NAME) ServiceName!: string;
  @IsArray() @ArrayMaxSize(MAX_TAGS) @IsString({ each: true }) @MaxLength(MAX_TEXT, { each: true }) Tags!: string[];
  @IsString() @MaxLength(MAX_TEXT) Address!: string;
  @IsInt() @Min(0) @Max(65535) Port!: number;
}
class AllocationUpdateDto {
  @IsUUID() ID!: string;
  @IsIn(['pending', 'running', 'complete', 'failed']) ClientStatus!: 'pending' | 'running' | 'complete' | 'failed';
  @IsString() @MaxLength(MAX_TEXT) ClientDescription!: string;
  @IsOptional() @Holds('task states by name') TaskStates!: Record<string, never> | null;
  @IsOptional() @Nested(() => HealthDto) @IsObject() DeploymentStatus!: HealthDto | null;
  @IsOptional() @Holds('a network status') NetworkStatus!: NetworkStatus | null;
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_SERVICES)
  @Nested(() => ServiceDto, { each: true })
  Services?: ServiceDto[];
}

/** `PUT /agent/v1/node/:id/status`. */
export class StatusDto {
  @IsArray()
  @ArrayMaxSize(MAX_UPDATES)
  @Nested(() => AllocationUpdateDto, { each: true })
  Updates!: AllocationUpdateDto[];
}

/** `PUT /agent/v1/node/:id/identities`. */
export class IdentitiesDto {
  @IsUUID() AllocationID!: string;
  @IsNotEmpty() @MaxLength(MAX_NAME) Task!: string;
  @IsArray()
  @ArrayMaxSize(MAX_IDENTITIES)
  @IsString({ each: true })
  @MaxLength(MAX_NAME, { each: true })
  Names!: string[];
}
